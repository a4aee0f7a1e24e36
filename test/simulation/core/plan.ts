/**
 * The faults of a seed. Each seed enables some kinds and disables others, so that a thousand seeds test a thousand mixtures,
 * including those without faults, where nothing can be excused by the world.
 */
import type { Random } from './random.ts'

/** Faults of calls, as shares of all calls to one part. */
export interface Trouble {
  /** Fails without an effect. */
  readonly fails: number
  /** Has its effect, but the caller gets an error. */
  readonly lost: number
  /** Fails, and has its effect seconds later. */
  readonly late: number
  /** Takes seconds. */
  readonly slow: number
}

export const PARTS = ['store', 'cluster', 'identity', 'hub', 'analysisApi', 'broker', 'sink'] as const
export type Part = (typeof PARTS)[number]

export interface Outage {
  readonly part: Part
  readonly from: number
  readonly to: number
  /** Reads still work. */
  readonly onlyWrites: boolean
}

export interface Plan {
  readonly analyses: number
  /** How long faults and callers last. */
  readonly busyMs: number
  readonly troubles: Readonly<Record<Part, Trouble>>
  /** Outages of parts, as shares of the time. */
  readonly outages: readonly Outage[]
  /** Share of calls at which the calling process dies. */
  readonly kills: number
  /** Calls of users and administrators per minute. */
  readonly userCalls: number
  readonly hands: number
  /** Whether administrators may delete policies of runs, or else the standing one. */
  readonly handsOpenRuns: boolean
  /** Shares of pods that cannot be scheduled, pulled or kept, and of misbehaving analyses. */
  readonly podTrouble: number
  readonly analysisTrouble: number
  /** Shares of ticks that are sent twice or not at all. */
  readonly doubled: number
  readonly dropped: number
  /** The loop is down for a part of the time. */
  readonly away: { readonly from: number; readonly to: number } | undefined
  readonly slowest: number
  readonly sink: boolean
  readonly fanout: boolean
  readonly hubLogging: boolean
  /** Share of analyses that run until they are stopped. */
  readonly endless: number
  /** Shares that broker and sink refuse permanently. */
  readonly refused: number
  readonly tokenSeconds: number
  readonly restartMax: number
}

const NO_TROUBLE: Trouble = { fails: 0, lost: 0, late: 0, slow: 0 }

function troubleOf(random: Random): Trouble {
  if (random.chance(0.55)) return NO_TROUBLE
  const share = () => (random.chance(0.5) ? random.next() * 0.08 : 0)
  return { fails: share(), lost: share(), late: share() / 2, slow: share() }
}

function window(random: Random): { from: number; to: number } {
  const from = random.next() * 0.7
  return { from, to: from + 0.05 + random.next() * 0.3 }
}

const some = (random: Random, probability: number, value: () => number): number =>
  random.chance(probability) ? value() : 0

export function planOf(random: Random): Plan {
  const sink = random.chance(0.7)
  const troubles = Object.fromEntries(PARTS.map((part) => [part, troubleOf(random)])) as Record<Part, Trouble>
  // The Hub has no versions: nothing can correct a status that arrives after its sender gave up and sent a later one.
  troubles.hub = { ...troubles.hub, late: 0 }
  /** No analysis is stopped, so many run at the same time. */
  const steady = random.chance(0.25)
  const away = random.chance(0.15) ? { from: 0.2, to: 0.9 } : undefined
  return {
    analyses: steady ? random.whole(3, 6) : random.whole(1, 5),
    busyMs: (away ? random.whole(600, 860) : random.whole(60, 420)) * 1000,
    troubles,
    outages: PARTS.filter(() => random.chance(0.12)).map((part) => ({
      part,
      ...window(random),
      onlyWrites: part === 'cluster' && random.chance(0.5),
    })),
    kills: some(random, 0.4, () => random.next() * 0.02),
    userCalls: steady ? 0.3 : random.whole(2, 12),
    hands: some(random, 0.35, () => random.whole(1, 6)),
    handsOpenRuns: random.chance(0.5),
    podTrouble: some(random, 0.5, () => random.next() * 0.4),
    analysisTrouble: some(random, 0.6, () => random.next() * 0.6),
    doubled: some(random, 0.4, () => random.next() * 0.5),
    dropped: some(random, 0.3, () => random.next() * 0.4),
    away,
    slowest: random.pick([20, 200, 2000]),
    sink,
    fanout: sink && random.chance(0.4),
    hubLogging: random.chance(0.8),
    endless: steady ? 0.9 : 0.3,
    refused: some(random, 0.2, () => random.next() * 0.3),
    tokenSeconds: random.pick([60, 120, 300]),
    restartMax: random.whole(1, 3),
  }
}
