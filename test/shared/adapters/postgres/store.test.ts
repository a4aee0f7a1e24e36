/** The PostgreSQL store, straight and through a pooler, against what every store owes. */
import { createStore } from '../../../../shared/adapters/postgres/po/index.ts'
import { storeConformance } from '../../../conformance/store.ts'
import { onEachWay } from './ways.ts'

const TABLES = ['identity', 'analysis', 'run', 'line', 'snapshot', 'report', 'change', 'archive', 'removal', 'loop']

onEachWay((name, pools) =>
  storeConformance(name, async (now) => {
    const [pool, other] = pools()
    await pool.query((sql) => sql.unsafe(`truncate ${TABLES.map((table) => `po.${table}`).join(', ')}`))
    return { store: createStore(pool, { now }), other: createStore(other, { now }) }
  }),
)
