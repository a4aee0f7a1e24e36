/** The PostgreSQL store of digital twins, straight and through a pooler, against what every such store owes. */
import { twinStoreConformance } from '../../../conformance/twin-store.ts'
import { emptyTarget } from './twin-target.ts'
import { onEachWay } from './ways.ts'

onEachWay((name, pools) => twinStoreConformance(name, (now) => emptyTarget(pools(), now)))
