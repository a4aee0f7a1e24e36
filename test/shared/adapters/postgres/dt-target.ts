/** Everything that PostgreSQL keeps of digital twins, emptied, over two pools. */
import type { Database } from '../../../../shared/adapters/postgres/database.ts'
import { createDtStore } from '../../../../shared/adapters/postgres/dt/index.ts'
import { createCatalogue, createRuns } from '../../../../shared/adapters/postgres/files/index.ts'
import type { Target } from '../../../conformance/dt-store/subject.ts'
import { emptyTables } from './empty.ts'

const TABLES = [
  ...['run', 'change', 'loop', 'chunk', 'mount', 'part', 'output', 'output_set', 'file', 'content'],
  ...['service', 'former_token', 'loose'],
].map((name) => `dt.${name}`)

export async function emptyTarget([pool, other]: readonly [Database, Database], now: () => Date): Promise<Target> {
  await emptyTables(pool, TABLES)
  return {
    store: createDtStore(pool, { now }),
    other: createDtStore(other, { now }),
    catalogue: createCatalogue(pool, { now }),
    runs: createRuns(pool),
    otherRuns: createRuns(other),
  }
}
