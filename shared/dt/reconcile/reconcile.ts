/**
 * Reconciles one service:
 *
 *   observe → decide → act → report
 *
 * - Observe: `world.ts` reads Jobs, pods and servers. `recordRuns` derives the runs and records those that changed.
 * - Decide (`decide.ts`, pure): from runs and firings to a verdict, which is what the row is to say.
 * - Act (`make.ts`): make what is missing in Kubernetes, and remove what is no longer needed.
 * - Report: the verdict moves the row, in one transaction with its changes; then the resource gets its status.
 *
 * Every step follows from what is observed, so a process may die at any point, and a repeated step changes nothing.
 */
import { mapConcurrent } from '../../platform/concurrency.ts'
import { isFault } from '../../platform/fault.ts'
import { cannotStart } from '../lifecycle.ts'
import { isOver, LIVE_PHASES, LOG_TAIL_BYTES, type Run, type Service, type ServiceId } from '../model.ts'
import { BATCH, CONTAINER, parseJobName } from '../names.ts'
import type { Resource } from '../ports/cluster.ts'
import type { ServicePatch } from '../ports/store.ts'
import type { DtPorts } from '../ports.ts'
import { decideOnDemand, decidePersistent, decideScheduled, hasChanged, type JobVerdict } from './decide.ts'
import { type FiringState, firings, withoutForgotten } from './firings.ts'
import { isPermanent, type MakePorts, makeFanIn, makeObjects } from './make.ts'
import { handleMissingResource, writeStatus } from './resources.ts'
import { changedRuns, firingOf, observeRuns, runChanges } from './runs.ts'
import { readWorld, type View } from './world.ts'

export type ServicePorts = MakePorts & Pick<DtPorts, 'log' | 'now'>

/** After this time another process may claim the service. */
export const CLAIM_LEASE_MS = 60_000

/** The database or Kubernetes is down: a failure that says nothing about the service. */
export const isOutage = (error: unknown): boolean => isFault(error, 'unavailable')

/**
 * Reconciles one service if it is due and not claimed. A failure is logged; the work is repeated when the service is due again.
 * @throws Fault of the database when the service could not be claimed
 */
export async function claimAndReconcile(ports: ServicePorts, id: ServiceId): Promise<void> {
  const { store, log, now } = ports
  const [claimed] = await store.claim([id], now(), CLAIM_LEASE_MS)
  if (!claimed) return
  try {
    const pair = await handleMissingResource(ports, claimed)
    // A service that was adopted again is reconciled by the next sweep.
    if (pair && pair.service.uid === claimed.uid) {
      const viewOf = await readWorld(ports, [pair.service])
      await reconcile(ports, pair.service, pair.resource, viewOf(pair.service))
    }
  } catch (error) {
    log(isFault(error) ? 'warn' : 'error', 'service not reconciled', { service: id, error })
    await (isOutage(error) ? store.releaseClaims([id]) : store.releaseFailedClaims([id]))
    return
  }
  await store.releaseClaims([id])
}

/** Reconciles a live service that is claimed and whose resource exists. */
export async function reconcile(ports: ServicePorts, service: Service, resource: Resource, view: View): Promise<void> {
  const verdict = await advance(ports, service, view)
  const present = await report(ports, service, verdict)
  if (present) await writeStatus(ports, present, resource)
}

/** Observes, decides and acts. A refusal by Kubernetes is a verdict, too. */
async function advance(ports: ServicePorts, service: Service, view: View): Promise<JobVerdict> {
  const { phase, counts, spec } = service
  try {
    if (phase === 'pending') return await start(ports, service, view)
    return await ADVANCE[spec.jobType](ports, service, view)
  } catch (error) {
    if (isPermanent(error)) return { phase: 'failed', reason: error.message, counts }
    if (!isFault(error, 'refused')) throw error
    // A quota or a missing permission: an administrator may grant it yet.
    return { phase, reason: error.message, counts }
  }
}

async function start(ports: ServicePorts, service: Service, view: View): Promise<JobVerdict> {
  const { reason, counts } = service
  // Objects of a former resource have the same names: wait until Kubernetes has deleted them.
  if (view.hasRemains) return { phase: 'pending', reason, counts }
  const { phase, url } = await makeObjects(ports, service, view)
  return { phase, reason: null, counts, url }
}

const ADVANCE = {
  ondemand: advanceOnDemand,
  scheduled: advanceScheduled,
  persistent: advancePersistent,
} as const

async function advanceOnDemand(ports: ServicePorts, service: Service, view: View): Promise<JobVerdict> {
  const runs = await recordRuns(ports, service, view)
  const state = firings(service, view, runs).find(({ firing }) => firing === service.firing)
  if (state?.wantsFanIn) await makeFanIn(ports, service, service.firing)
  return decideOnDemand(service, view, runs, state, ports.now())
}

async function advanceScheduled(ports: ServicePorts, service: Service, whole: View): Promise<JobVerdict> {
  const view = withoutForgotten(service, whole)
  if (!view.hasCronJob) await makeObjects(ports, service, view)
  const runs = await recordRuns(ports, service, view)
  const states = firings(service, view, runs)
  for (const { wantsFanIn, firing } of states) if (wantsFanIn) await makeFanIn(ports, service, firing)
  await expireRecordedJobs(ports, service, whole, states)
  await pruneFirings(ports, service, states)
  return decideScheduled(service, runs, states, ports.now())
}

async function advancePersistent(ports: ServicePorts, service: Service, view: View): Promise<JobVerdict> {
  const [server] = view.servers
  const made = server ? undefined : await makeObjects(ports, service, view)
  return decidePersistent(service, server, made?.url)
}

// --------------------------------------------------------------------------------------------------- observe

const LOG_READS = 8

/** Records the runs that changed since the last reconciliation. Resolves to all runs. */
async function recordRuns(ports: ServicePorts, service: Service, view: View): Promise<Run[]> {
  const now = ports.now()
  const runs = observeRuns(service, view, now)
  const changed = changedRuns(view, runs)
  if (changed.length > 0) {
    const changes = runChanges(service, view, changed, now)
    await ports.store.recordRuns(service.id, { runs: await withLogTails(ports, service, changed), changes })
  }
  await endUnstartableJobs(ports, service, view)
  return runs
}

/** Adds the last log lines to runs that have just ended. A log that cannot be read is left out. */
async function withLogTails({ cluster, log }: ServicePorts, service: Service, runs: readonly Run[]): Promise<Run[]> {
  const withTail = async (run: Run): Promise<Run> => {
    if (!isOver(run.phase)) return run
    try {
      return { ...run, logTail: (await cluster.log(run.pod, CONTAINER.main, LOG_TAIL_BYTES)) ?? null }
    } catch (error) {
      log('info', 'log of a run not read', { service: service.id, run: run.pod, error })
      return run
    }
  }
  const read = await mapConcurrent(runs, LOG_READS, withTail)
  return read.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}

// ------------------------------------------------------------------------------------------------------- act

/** Ends Jobs of which no pod can start. The reason is recorded with their runs already. */
async function endUnstartableJobs(
  { cluster, log, now, settings }: ServicePorts,
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

/** Lets Kubernetes remove Jobs whose firing is recorded: after their TTL if the firing is kept, else at once. */
async function expireRecordedJobs(
  { cluster, settings }: ServicePorts,
  service: Service,
  { jobs }: View,
  states: readonly FiringState[],
): Promise<void> {
  const { spec, firing: last } = service
  const { ttlSeconds, historyLimit } = settings.service
  const recorded = states.map(({ firing }) => firing).filter((firing) => firing <= last)
  const kept = new Set(recorded.slice(-(spec.historyLimit ?? historyLimit)))
  for (const job of jobs) {
    const ref = parseJobName(job.name)
    if (!ref || firingOf(ref, service) > last) continue
    const seconds = kept.has(firingOf(ref, service)) ? ttlSeconds : 0
    if (job.ttlSeconds === null || job.ttlSeconds > seconds) await cluster.expire(job.name, seconds)
  }
}

/** Deletes the oldest of the recorded firings; those that are not recorded yet are kept in any case. */
async function pruneFirings(
  { store, settings }: ServicePorts,
  { id, spec, firing: last }: Service,
  states: readonly FiringState[],
): Promise<void> {
  const keep = spec.historyLimit ?? settings.service.historyLimit
  const recorded = states.filter(({ firing }) => firing <= last)
  if (recorded.length > keep) await store.pruneFirings(id, keep + states.length - recorded.length)
}

// ---------------------------------------------------------------------------------------------------- report

/** Moves the row to what the verdict says. Undefined if the service is no longer live. */
async function report(ports: ServicePorts, service: Service, verdict: JobVerdict): Promise<Service | undefined> {
  if (!hasChanged(service, verdict)) return service
  const { phase, ...patch } = verdict
  const moved = await ports.store.move(service.id, LIVE_PHASES, phase, patch satisfies ServicePatch)
  if (moved && moved.phase !== service.phase) {
    ports.log('action', 'service moved', { service: service.id, from: service.phase, to: phase, reason: moved.reason })
  }
  return moved
}
