/** A seed is deterministic: the same steps at the same times with the same responses. */
import { expect, test } from 'vitest'
import { simulate } from './simulation.ts'

const traced = (seed: number) => simulate({ seed, trace: true })

test.each([1, 7, 42, 99, 2 ** 31, 2 ** 32 - 1])('seed %i does the same again', async (seed) => {
  const [first, second] = [await traced(seed), await traced(seed)]
  expect(second.trace).toEqual(first.trace)
  expect(second.hash).toBe(first.hash)
  expect(first.steps).toBeGreaterThan(100)
})

test('and so it does while others run beside it', async () => {
  const alone = await traced(5)
  const [together] = await Promise.all([traced(5), traced(6), traced(8)])
  expect(together.hash).toBe(alone.hash)
})

test('another seed does something else', async () => {
  const hashes = await Promise.all([1, 2, 3, 4].map(async (seed) => (await traced(seed)).hash))
  expect(new Set(hashes).size).toBe(4)
})
