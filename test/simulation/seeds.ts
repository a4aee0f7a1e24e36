/** A thousand seeds in CI, in shares, so that two workers run them in parallel; 200 elsewhere. */
import { expect, test } from 'vitest'
import { isWhole } from '../sampled.ts'
import { simulate } from './simulation.ts'
import { KEPT, verdictOf } from './verdict.ts'

/** In which everything that a test looks for must happen. */
export const SEEDS = 1000
export const RUN_SEEDS = isWhole ? SEEDS : 200
const SHARE = 50

/** Registers tests of the seeds `from` to `to`. */
export function everySeedKeepsItsPromises(from: number, to: number): void {
  const shares = Array.from({ length: Math.ceil((to - from + 1) / SHARE) }, (_, nth) => from + nth * SHARE)
  test.each(shares)('every promise is kept in the 50 seeds from %i', async (first) => {
    for (let seed = first; seed < first + SHARE && seed <= to; seed += 1) {
      expect(verdictOf(await simulate({ seed }))).toBe(KEPT)
    }
  })
}
