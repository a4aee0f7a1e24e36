/** The simulation's store passes the conformance suite of the port, as PostgreSQL does. */
import { storeConformance } from '../conformance/store.ts'
import { createMemoryStore } from './store/index.ts'
import { createTables } from './store/tables.ts'

storeConformance('in memory', async (now) => {
  const tables = createTables(now)
  return { store: createMemoryStore(now, tables), other: createMemoryStore(now, tables) }
})
