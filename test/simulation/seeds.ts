/** The thousand seeds of `make test`, in shares, so that two workers run them in parallel. */
import { expect, test } from 'vitest'
import { simulate } from './simulation.ts'
import { KEPT, verdictOf } from './verdict.ts'

export const SEEDS = 1000
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
