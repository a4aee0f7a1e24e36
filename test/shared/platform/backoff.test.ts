import { expect, test } from 'vitest'
import { retryAt } from '../../../shared/platform/backoff.ts'

test.each([
  [0, 0, 2000],
  [1, 0, 5000],
  [2, 0, 15_000],
  [3, 0, 60_000],
  [4, 0, 300_000],
  [99, 0, 300_000],
  [0, 1, 2500],
  [4, 0.5, 337_500],
])('after %i earlier attempts and chance %d, the next one is %i ms later', (attempts, chance, ms) => {
  const now = new Date(1_000_000)
  expect(retryAt({ now: () => now, random: () => chance }, attempts)).toEqual(new Date(now.getTime() + ms))
})
