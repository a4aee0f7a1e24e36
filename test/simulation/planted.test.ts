/** A test of the simulation itself: it finds planted faults, and reports the seed that finds each. */
import { expect, test } from 'vitest'
import { PROMISES } from './invariants/watch.ts'
import { PLANTED, type Planted } from './planted.ts'
import { SEEDS } from './seeds.ts'
import { type Outcome, simulate } from './simulation.ts'
import { KEPT, verdictOf } from './verdict.ts'

/** The first seed in which the fault breaks the expected promise. */
async function firstFailure({ breaks, plant }: Planted): Promise<Outcome | undefined> {
  const except = PROMISES.filter((promise) => promise !== breaks)
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const outcome = await simulate({ seed, plant, except })
    if (outcome.broken) return outcome
  }
  return undefined
}

test.each(PLANTED)('$title: found, as "$breaks"', async (planted) => {
  const found = await firstFailure(planted)
  expect(found, `not found in ${SEEDS} seeds`).toBeDefined()
  if (!found) return
  console.log(`${planted.title}: ${verdictOf(found).split('\n')[0]}`)
  // Without the fault the seed keeps the promise.
  expect(verdictOf(await simulate({ seed: found.seed }))).toBe(KEPT)
})

test('every promise can be broken', () => {
  expect(new Set(PLANTED.map(({ breaks }) => breaks))).toEqual(new Set(PROMISES))
})
