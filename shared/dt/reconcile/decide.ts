/**
 * What a service becomes: from its runs and firings, or from its server, to a verdict. One function per job type. Pure.
 */
import type { Counts, Run, Service, ServiceChange } from '../model.ts'
import type { ServerFacts } from '../ports/cluster.ts'
import { type FiringState, newlyOver, totalCounts } from './firings.ts'
import { pendingReason } from './runs.ts'
import type { View } from './world.ts'

/** The new state of the row; an omitted field stays unchanged. */
export interface JobVerdict
  extends Pick<Service, 'phase' | 'reason' | 'counts'>,
    Partial<Pick<Service, 'url' | 'firing'>> {
  readonly changes?: readonly ServiceChange[]
}

/** @param state undefined when neither a Job nor a run of the firing is left */
export function decideOnDemand(
  service: Service,
  view: View,
  runs: readonly Run[],
  state: FiringState | undefined,
  now: Date,
): JobVerdict {
  if (!state) return { phase: 'failed', reason: 'its Job was deleted', counts: service.counts }
  const { counts, reason, isOver } = state
  if (!isOver) {
    const isQueued = view.jobs.some(({ suspended }) => suspended)
    return { phase: isQueued ? 'queued' : 'running', reason: reason ?? pendingReason(runs), counts }
  }
  const phase = reason === null ? 'succeeded' : 'failed'
  return { phase, reason, counts, changes: [completed(service, state, now)] }
}

/** The reason is that of the last firing that is over. */
export function decideScheduled(
  service: Service,
  runs: readonly Run[],
  states: readonly FiringState[],
  now: Date,
): JobVerdict {
  const over = newlyOver(states, service.firing)
  const last = over.at(-1) ?? states.findLast(({ firing }) => firing <= service.firing)
  const isActive = states.some(({ isOver }) => !isOver)
  return {
    phase: isActive ? 'running' : 'scheduled',
    reason: last?.reason ?? (isActive ? pendingReason(runs) : null),
    counts: totalCounts(states),
    firing: over.at(-1)?.firing ?? service.firing,
    changes: over.map((state) => completed(service, state, now)),
  }
}

/** @param madeUrl of a server that was just made */
export function decidePersistent(
  service: Service,
  server: ServerFacts | undefined,
  madeUrl: string | null | undefined,
): JobVerdict {
  const counts = { active: server?.ready ? 1 : 0, succeeded: 0, failed: 0 }
  const reason = server?.ready === false ? (server.reason ?? 'it is not ready') : null
  return { phase: 'serving', reason, counts, url: server?.url ?? madeUrl ?? service.url }
}

const completed = ({ id }: Service, { firing, counts, reason }: FiringState, now: Date): ServiceChange => ({
  id,
  kind: 'completed',
  run: null,
  detail: { firing, ...counts, reason },
  at: now,
})

const isSame = (one: Counts, other: Counts): boolean =>
  one.active === other.active && one.succeeded === other.succeeded && one.failed === other.failed

/** Whether the verdict differs from the row. */
export function hasChanged(service: Service, verdict: JobVerdict): boolean {
  const { phase, reason, counts, url = service.url, firing = service.firing } = verdict
  return (
    phase !== service.phase ||
    reason !== service.reason ||
    url !== service.url ||
    firing !== service.firing ||
    !isSame(counts, service.counts)
  )
}
