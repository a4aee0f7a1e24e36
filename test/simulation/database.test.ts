/** Seeds take the same steps on a real PostgreSQL as in memory. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect, createPoStore } from '../../shared/adapters/postgres/po/index.ts'
import { databaseSettings } from '../sandbox/postgres.ts'
import { startTestDatabases, type TestDatabases } from '../sandbox/test-databases.ts'
import { simulate } from './simulation.ts'
import { KEPT, verdictOf } from './verdict.ts'

let databases: TestDatabases
beforeAll(async () => {
  databases = await startTestDatabases()
})
afterAll(() => databases?.stop())

/** The first step that differs. */
function firstDifference(real: readonly string[], memory: readonly string[]) {
  const at = memory.findIndex((line, nth) => line !== real[nth])
  if (at >= 0) return { real: real[at], memory: memory[at] }
  return real.length > memory.length ? { real: real[memory.length] } : undefined
}

const seeds = Array.from({ length: 25 }, (_, nth) => 40 * nth + 1)

test.concurrent.each(seeds)('seed %i', async (seed) => {
  const database = connect(databaseSettings(await databases.create()))
  try {
    const real = await simulate({ seed, trace: true, store: (now) => createPoStore(database, { now }) })
    expect(verdictOf(real)).toBe(KEPT)
    expect(firstDifference(real.trace, (await simulate({ seed, trace: true })).trace)).toBeUndefined()
  } finally {
    await database.end()
  }
})
