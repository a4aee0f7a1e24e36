/** The PostgreSQL store, straight and through a pooler, against what every store owes. */
import { afterAll, beforeAll } from 'vitest'
import { connect, createStore } from '../../../../shared/adapters/postgres/index.ts'
import { type MakeStore, storeConformance } from '../../../conformance/store.ts'
import { databaseSettings, startTestDatabases, type TestDatabases } from '../../../sandbox/postgres.ts'

let databases: TestDatabases | undefined

beforeAll(async () => {
  databases = await startTestDatabases()
})
afterAll(() => databases?.stop())

const make: MakeStore = async (now) => {
  if (!databases) throw new Error('the server has not started')
  const settings = databaseSettings(await databases.create())
  const pools = [connect(settings), connect(settings)] as const
  return {
    store: createStore(pools[0], { now }),
    other: createStore(pools[1], { now }),
    dispose: async () => {
      await Promise.all(pools.map((sql) => sql.end({ timeout: 1 })))
    },
  }
}

storeConformance('PostgreSQL', make)
