/** The same seeds on a real PostgreSQL take the same steps as in memory, to the last answer. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect, createStore } from '../../shared/adapters/postgres/index.ts'
import { databaseSettings, startTestDatabases, type TestDatabases } from '../sandbox/postgres.ts'
import { verdictOf } from './seeds.ts'
import { simulate } from './simulation.ts'

let databases: TestDatabases
beforeAll(async () => {
  databases = await startTestDatabases()
})
afterAll(() => databases?.stop())

const seeds = Array.from({ length: 25 }, (_, nth) => 40 * nth + 1)

test.each(seeds)('seed %i', async (seed) => {
  const database = connect(databaseSettings(await databases.create()))
  try {
    const real = await simulate({ seed, trace: true, store: (now) => createStore(database, { now }) })
    expect(verdictOf(real)).toBe('kept')
    expect(real.trace).toEqual((await simulate({ seed, trace: true })).trace)
  } finally {
    await database.end()
  }
})
