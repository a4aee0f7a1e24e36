/** Everything that PostgreSQL keeps of digital twins, emptied, over two pools. */
import type { Database } from '../../../../shared/adapters/postgres/database.ts'
import { createStore } from '../../../../shared/adapters/postgres/dt/index.ts'
import { createCatalogue, createRuns } from '../../../../shared/adapters/postgres/files/index.ts'
import type { Target } from '../../../conformance/dt-store/subject.ts'

const TABLES = [
  ...['service', 'run', 'change', 'loop', 'content', 'loose', 'chunk'],
  ...['file', 'mount', 'output_set', 'part', 'output', 'former_token'],
]

export async function emptyTarget([pool, other]: readonly [Database, Database], now: () => Date): Promise<Target> {
  await pool.query((sql) => sql.unsafe(`truncate ${TABLES.map((table) => `dt.${table}`).join(', ')}`))
  return {
    store: createStore(pool, { now }),
    other: createStore(other, { now }),
    catalogue: createCatalogue(pool, { now }),
    runs: createRuns(pool),
    otherRuns: createRuns(other),
  }
}
