/**
 * A look at one service that is claimed: what it is now, what is to be done next, and what its row and its resource say of it.
 * Level-based: each step follows from what is seen, so one that was cut off is taken up again, and one too many does nothing.
 */

import { mapConcurrent } from '../../platform/concurrency.ts'
import { isFault } from '../../platform/fault.ts'
import { cannotStart } from '../lifecycle.ts'
import {
  type Change,
  type Counts,
  isOver,
  LIVE_PHASES,
  LOG_TAIL_BYTES,
  type Phase,
  type Run,
  type Service,
} from '../model.ts'
import { BATCH, CONTAINER, finishedMark, LABEL, OLD_FINALIZER, parseJobName } from '../names.ts'
import type { Resource } from '../ports/cluster.ts'
import type { Patch } from '../ports/store.ts'
import type { Ports } from '../ports.ts'
import { type FiringState, firings, newlyOver, sumOf, withoutForgotten } from './firings.ts'
import { isHopeless, type MakePorts, make, makeFanIn } from './make.ts'
import { isFinished, isSaid, statusOf } from './resource-status.ts'
import { changedRuns, firingOf, observeRuns, pendingReason, runChanges } from './runs.ts'
import type { View } from './world.ts'

export type LookPorts = MakePorts & Pick<Ports, 'log' | 'now'>

/** What a service is to become. */
interface Verdict {
  readonly phase: Phase
  readonly reason: string | null
  readonly counts: Counts
  readonly url?: string | null
  readonly firing?: number
  readonly changes?: readonly Change[]
}

const LOG_READS = 8

/** The last lines of runs that have just ended: they are worth a call, not a failure. */
async function withTails({ cluster, log }: LookPorts, service: Service, runs: readonly Run[]): Promise<Run[]> {
  const tail = async (run: Run): Promise<Run> => {
    if (!isOver(run.phase)) return run
    try {
      return { ...run, logTail: (await cluster.log(run.pod, CONTAINER.main, LOG_TAIL_BYTES)) ?? null }
    } catch (error) {
      log('info', 'log of a run not read', { service: service.id, run: run.pod, error })
      return run
    }
  }
  const read = await mapConcurrent(runs, LOG_READS, tail)
  return read.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}

/** Records what became of runs since they were last looked at. */
async function follow(ports: LookPorts, service: Service, view: View): Promise<Run[]> {
  const now = ports.now()
  const runs = observeRuns(service, view, now)
  const changed = changedRuns(view, runs)
  if (changed.length > 0) {
    const changes = runChanges(service, view, changed, now)
    await ports.store.recordRuns(service.id, { runs: await withTails(ports, service, changed), changes })
  }
  await endStuck(ports, service, view)
  return runs
}

/** Ends Jobs of which no pod can start; why is recorded of their runs by then. */
async function endStuck(
  { cluster, log, now, settings }: LookPorts,
  { id }: Service,
  { jobs, pods }: View,
): Promise<void> {
  for (const { name, ended, deleting } of jobs) {
    const own = pods.filter(({ labels }) => labels[BATCH.jobName] === name)
    if (ended || deleting || !cannotStart(own, now(), settings.startBudgetSeconds * 1000)) continue
    await cluster.end(name)
    log('warn', 'Job ended, none of its pods can start', { service: id, job: name })
  }
}

const completed = ({ id }: Service, { firing, counts, reason }: FiringState, now: Date): Change => ({
  id,
  kind: 'completed',
  run: null,
  detail: { firing, ...counts, reason },
  at: now,
})

async function lookOnDemand(ports: LookPorts, service: Service, view: View): Promise<Verdict> {
  const runs = await follow(ports, service, view)
  const state = firings(service, view, runs).find(({ firing }) => firing === service.firing)
  if (!state) return { phase: 'failed', reason: 'its Job was deleted', counts: service.counts }
  const { counts, reason } = state
  if (state.wantsFanIn) await makeFanIn(ports, service, service.firing)
  if (!state.isOver) {
    const isQueued = view.jobs.some(({ suspended }) => suspended)
    return { phase: isQueued ? 'queued' : 'running', reason: reason ?? pendingReason(runs), counts }
  }
  const phase = reason === null ? 'succeeded' : 'failed'
  return { phase, reason, counts, changes: [completed(service, state, ports.now())] }
}

/** Only of firings that were told: of the others something is still to be said. */
async function prune(
  { store, settings }: LookPorts,
  { id, spec, firing: last }: Service,
  states: readonly FiringState[],
) {
  const keep = spec.historyLimit ?? settings.service.historyLimit
  const told = states.filter(({ firing }) => firing <= last)
  if (told.length > keep) await store.pruneFirings(id, keep + states.length - told.length)
}

/** Jobs whose firing is recorded may go: those of firings that are kept after their time, others at once. */
async function expireTold(
  { cluster, settings }: LookPorts,
  service: Service,
  { jobs }: View,
  states: readonly FiringState[],
) {
  const { spec, firing: last } = service
  const { ttlSeconds, historyLimit } = settings.service
  const told = states.map(({ firing }) => firing).filter((firing) => firing <= last)
  const kept = new Set(told.slice(-(spec.historyLimit ?? historyLimit)))
  for (const job of jobs) {
    const ref = parseJobName(job.name)
    if (!ref || firingOf(ref, service) > last) continue
    const seconds = kept.has(firingOf(ref, service)) ? ttlSeconds : 0
    if (job.ttlSeconds === null || job.ttlSeconds > seconds) await cluster.expire(job.name, seconds)
  }
}

async function lookScheduled(ports: LookPorts, service: Service, whole: View): Promise<Verdict> {
  const view = withoutForgotten(service, whole)
  if (!view.hasCronJob) await make(ports, service, view)
  const runs = await follow(ports, service, view)
  const states = firings(service, view, runs)
  for (const { wantsFanIn, firing } of states) if (wantsFanIn) await makeFanIn(ports, service, firing)
  const over = newlyOver(states, service.firing)
  const last = over.at(-1) ?? states.findLast(({ firing }) => firing <= service.firing)
  const isActive = states.some(({ isOver }) => !isOver)
  await expireTold(ports, service, whole, states)
  await prune(ports, service, states)
  return {
    phase: isActive ? 'running' : 'scheduled',
    reason: last?.reason ?? (isActive ? pendingReason(runs) : null),
    counts: sumOf(states),
    firing: over.at(-1)?.firing ?? service.firing,
    changes: over.map((state) => completed(service, state, ports.now())),
  }
}

async function lookPersistent(ports: LookPorts, service: Service, view: View): Promise<Verdict> {
  const [server] = view.servers
  const made = server ? undefined : await make(ports, service, view)
  const counts = { active: server?.ready ? 1 : 0, succeeded: 0, failed: 0 }
  const reason = server?.ready === false ? (server.reason ?? 'it is not ready') : null
  return { phase: 'serving', reason, counts, url: server?.url ?? made?.url ?? service.url }
}

const LOOKS = {
  ondemand: lookOnDemand,
  scheduled: lookScheduled,
  persistent: lookPersistent,
} as const

async function begin(ports: LookPorts, service: Service, view: View): Promise<Verdict> {
  const { reason, counts } = service
  // Kubernetes is still clearing away what bears the same names.
  if (view.hasRemains) return { phase: 'pending', reason, counts }
  const { phase, url } = await make(ports, service, view)
  return { phase, reason: null, counts, url }
}

async function decide(ports: LookPorts, service: Service, view: View): Promise<Verdict> {
  try {
    if (service.phase === 'pending') return await begin(ports, service, view)
    return await LOOKS[service.spec.jobType](ports, service, view)
  } catch (error) {
    if (isHopeless(error)) return { phase: 'failed', reason: error.message, counts: service.counts }
    if (!isFault(error, 'refused')) throw error
    // A quota, a missing permission: it may be granted yet.
    return { phase: service.phase, reason: error.message, counts: service.counts }
  }
}

const sameCounts = (one: Counts, other: Counts): boolean =>
  one.active === other.active && one.succeeded === other.succeeded && one.failed === other.failed

function isNews(service: Service, { phase, reason, counts, url = service.url, firing = service.firing }: Verdict) {
  return (
    phase !== service.phase ||
    reason !== service.reason ||
    url !== service.url ||
    firing !== service.firing ||
    !sameCounts(counts, service.counts)
  )
}

async function record(ports: LookPorts, service: Service, verdict: Verdict): Promise<Service | undefined> {
  if (!isNews(service, verdict)) return service
  const { phase, ...patch } = verdict
  const moved = await ports.store.move(service.id, LIVE_PHASES, phase, patch satisfies Patch)
  if (moved && moved.phase !== service.phase) {
    ports.log('action', 'service moved', { service: service.id, from: service.phase, to: phase, reason: moved.reason })
  }
  return moved
}

/** The outcome is recorded: Jobs of the service may go, after their time. */
async function expireJobs({ cluster, settings }: LookPorts, { id, uid, spec }: Service): Promise<void> {
  if (spec.jobType === 'persistent') return
  for (const { name, labels, ttlSeconds } of await cluster.jobs([id]))
    if (labels[LABEL.resource] === uid && ttlSeconds === null) await cluster.expire(name, settings.service.ttlSeconds)
}

/** Writes what the resource says of the service; one that is finished is not read again. */
export async function publish(ports: LookPorts, service: Service, resource: Resource): Promise<void> {
  const { cluster, now } = ports
  const status = statusOf(service, resource, now())
  if (!isSaid(resource, status)) await cluster.patchStatus(resource.name, status)
  if (!isFinished(service)) return
  await expireJobs(ports, service)
  await cluster.patchResource(resource.name, { labels: { [LABEL.finished]: finishedMark(resource.uid) } })
}

/** A finalizer of the operator of old would keep a resource from going for ever: nobody is left to take it away. */
export async function setFree({ cluster, log }: LookPorts, { name, finalizers }: Resource): Promise<void> {
  if (!finalizers.includes(OLD_FINALIZER)) return
  await cluster.patchResource(name, { finalizers: finalizers.filter((finalizer) => finalizer !== OLD_FINALIZER) })
  log('action', 'finalizer of the former operator removed', { service: name })
}

/** Looks at a live service whose resource is there. */
export async function look(ports: LookPorts, service: Service, resource: Resource, view: View): Promise<void> {
  const verdict = await decide(ports, service, view)
  const present = await record(ports, service, verdict)
  if (present) await publish(ports, present, resource)
}
