/** The simulation is itself proven: a fault that is built in on purpose is found, and the seed that finds it is told. */
import { expect, test } from 'vitest'
import { PLANTED } from './planted.ts'
import { SEEDS, verdictOf } from './seeds.ts'
import { type Outcome, type Plant, simulate } from './simulation.ts'

async function firstFailure(plant: Plant): Promise<Outcome | undefined> {
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const outcome = await simulate({ seed, plant })
    if (outcome.broken) return outcome
  }
  return undefined
}

test.each(Object.entries(PLANTED))('%s is found within the seeds of this suite', async (title, plant) => {
  const found = await firstFailure(plant)
  expect(found, `${title} was not found in ${SEEDS} seeds`).toBeDefined()
  if (!found) return
  console.log(`${title}: ${verdictOf(found)}`)
  // It is the plant that breaks the promise, not the seed.
  expect((await simulate({ seed: found.seed })).broken).toBeUndefined()
})
