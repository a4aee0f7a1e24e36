/** Ticks of a PingSource and deliveries of a broker: late, twice, or not at all. */

import type { OutgoingEvent, Sink } from '../../../shared/platform/ports.ts'
import { RECONCILE_TYPE } from '../../../shared/po/events.ts'
import { handleEvent } from '../../../shared/po/reconcile/handle.ts'
import type { Plan } from '../core/plan.ts'
import type { Random } from '../core/random.ts'
import type { Timeline } from '../core/timeline.ts'
import type { Pool } from './pool.ts'

export interface TickerDeps {
  readonly pool: () => Pool
  readonly random: Random
  readonly timeline: Timeline
  readonly plan: Plan
  readonly intervalMs: number
  readonly isBusy: () => boolean
}

const PING = { type: 'dev.knative.sources.ping' }

export function createTicker({ pool, random, timeline, plan, intervalMs, isBusy }: TickerDeps) {
  const deliver = (event: { readonly type: string; readonly subject?: string }): void => {
    const process = pool().pick('reconciler')
    const title = event.type === PING.type ? 'tick' : 'look'
    void pool().serve(process, title, (ports) => handleEvent(ports, process.cache, event))
  }

  const isAway = (): boolean => {
    const share = timeline.elapsed() / plan.busyMs
    return plan.away !== undefined && plan.away.from <= share && share < plan.away.to
  }

  /** Number of copies of this tick. */
  const times = (): number => {
    if (!isBusy()) return 1
    if (isAway() || random.chance(plan.dropped)) return 0
    return random.chance(plan.doubled) ? 2 : 1
  }

  const begin = (): void =>
    timeline.after(intervalMs, () => {
      for (let left = times(); left > 0; left -= 1) timeline.after(random.skewed(0, 3000), () => deliver(PING))
      begin()
    })

  return {
    begin,
    /** Delivery of an accepted event by the broker. */
    broker: (taken: (event: OutgoingEvent) => void): Sink => ({
      emit: async (event) => {
        taken(event)
        if (event.type !== RECONCILE_TYPE) return
        for (let left = times(); left > 0; left -= 1) timeline.after(random.skewed(1, 2000), () => deliver(event))
      },
    }),
  }
}
