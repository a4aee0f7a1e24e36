/** When a failed attempt is repeated: with growing delays and jitter. */

/** Seconds after attempt number 1, 2, 3 …; the last value applies to all later ones. */
const SECONDS = [2, 5, 15, 60, 300] as const

export interface Chance {
  readonly now: () => Date
  /** A number in 0..1. */
  readonly random: () => number
}

/** Time of the next attempt after `attempts` earlier ones and the one that just failed, with up to a quarter of jitter. */
export function retryAt({ now, random }: Chance, attempts: number): Date {
  const base = SECONDS[Math.min(attempts, SECONDS.length - 1)] ?? 300
  return new Date(now().getTime() + base * 1000 * (1 + random() / 4))
}
