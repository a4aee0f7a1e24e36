/** The PostgreSQL store of digital twins, straight and through a pooler, against what every such store owes. */
import { dtStoreConformance } from '../../../conformance/dt-store.ts'
import { emptyTarget } from './dt-target.ts'
import { onEachWay } from './ways.ts'

onEachWay((name, pools) => dtStoreConformance(name, (now) => emptyTarget(pools(), now)))
