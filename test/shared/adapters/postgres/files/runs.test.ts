/** What runs find and leave in PostgreSQL, straight and through a pooler, against what every such adapter owes. */
import { runsConformance } from '../../../../conformance/files/runs.ts'
import { emptyTarget } from '../dt-target.ts'
import { onEachWay } from '../ways.ts'

onEachWay((name, pools) => runsConformance(name, (now) => emptyTarget(pools(), now)))
