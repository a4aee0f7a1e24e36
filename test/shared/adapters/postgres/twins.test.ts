/** The PostgreSQL store of digital twins, straight and through a pooler, against what every such store owes. */
import { createCatalogue, createRuns } from '../../../../shared/adapters/postgres/files/index.ts'
import { createStore } from '../../../../shared/adapters/postgres/twins/index.ts'
import { twinStoreConformance } from '../../../conformance/twin-store.ts'
import { onEachWay } from './ways.ts'

const TABLES = [
  'service',
  'run',
  'change',
  'loop',
  'content',
  'loose',
  'chunk',
  'file',
  'mount',
  'output_set',
  'part',
  'output',
]

onEachWay((name, pools) =>
  twinStoreConformance(name, async (now) => {
    const [pool, other] = pools()
    await pool.query((sql) => sql.unsafe(`truncate ${TABLES.map((table) => `dt.${table}`).join(', ')}`))
    return {
      store: createStore(pool, { now }),
      other: createStore(other, { now }),
      catalogue: createCatalogue(pool, { now }),
      runs: createRuns(pool),
    }
  }),
)
