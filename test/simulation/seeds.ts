/** The thousand seeds of `make test`, in shares, so that two workers take them side by side. */
import { expect, test } from 'vitest'
import { brief } from './core/trace.ts'
import { type Outcome, simulate } from './simulation.ts'

export const SEEDS = 1000
const SHARE = 50

export const replayOf = (seed: number): string => `node test/simulation/run.ts --seed ${seed}`

/** What a failing seed is reported as. */
export const verdictOf = ({ seed, broken }: Outcome): string =>
  broken ? `seed ${seed} broke "${broken.promise}": ${brief(broken.what)}\n  replay: ${replayOf(seed)}` : 'kept'

/** Seeds `from` to `to`, each of which must keep every promise. */
export function everySeedKeepsItsPromises(from: number, to: number): void {
  const shares = Array.from({ length: Math.ceil((to - from + 1) / SHARE) }, (_, nth) => from + nth * SHARE)
  test.each(shares)('every promise is kept in the 50 seeds from %i', async (first) => {
    for (let seed = first; seed < first + SHARE && seed <= to; seed += 1) {
      expect(verdictOf(await simulate({ seed }))).toBe('kept')
    }
  })
}
