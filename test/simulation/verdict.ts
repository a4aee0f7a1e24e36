/** How a seed that failed is reported, and how it is replayed. */
import { brief } from './core/trace.ts'
import type { Outcome } from './simulation.ts'

export const KEPT = 'every promise was kept'

export const verdictOf = ({ seed, broken }: Pick<Outcome, 'seed' | 'broken'>): string =>
  broken
    ? `seed ${seed} broke "${broken.promise}": ${brief(broken.what)}\n  replay: node test/simulation/run.ts --seed ${seed}`
    : KEPT
