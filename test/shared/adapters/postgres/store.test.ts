/** The PostgreSQL store, straight and through a pooler, against what every store owes. */
import { createPoStore } from '../../../../shared/adapters/postgres/po/index.ts'
import { storeConformance } from '../../../conformance/store.ts'
import { emptyTables } from './empty.ts'
import { onEachWay } from './ways.ts'

const TABLES = [
  'analysis',
  'run',
  'line',
  'snapshot',
  'report',
  'change',
  'archive',
  'removal',
  'loop',
  'identity',
].map((name) => `po.${name}`)

onEachWay((name, pools) =>
  storeConformance(name, async (now) => {
    const [pool, other] = pools()
    await emptyTables(pool, TABLES)
    return { store: createPoStore(pool, { now }), other: createPoStore(other, { now }) }
  }),
)
