/** What every part of a simulation uses: random numbers, plan, clock and trace. */
import { type Plan, planOf } from './plan.ts'
import { createRandom, type Random } from './random.ts'
import { createTimeline, type Timeline } from './timeline.ts'
import { createTrace, type Trace } from './trace.ts'

export interface Stage {
  readonly random: Random
  readonly plan: Plan
  readonly timeline: Timeline
  readonly trace: Trace
  /** False once faults and callers have stopped. */
  readonly isBusy: () => boolean
}

export const INTERVAL_SECONDS = 10
export const INTERVAL_MS = INTERVAL_SECONDS * 1000

export function createStage(seed: number, traced: boolean): Stage {
  const random = createRandom(seed)
  const plan = planOf(random)
  const timeline = createTimeline()
  const isBusy = () => timeline.elapsed() < plan.busyMs
  return { random, plan, timeline, trace: createTrace(traced, timeline), isBusy }
}
