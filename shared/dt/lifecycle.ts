/**
 * The decisions about runs and services:
 *
 * - `observePod`, `observeGone`: facts about a pod, or its absence × the manifest of its outputs → a run.
 * - `judge`: the runs of a firing and its Job → the state of the firing.
 * - `statusWord`: phase of a service → its status in the API.
 * - `admit`: suspended Jobs and the limit of runs → the Jobs that may start.
 *
 * Pure: no I/O, no clock. May import the model and port types.
 */
import { describeExit, UNSTARTABLE } from '../platform/container-reasons.ts'
import {
  type Counts,
  isOver,
  LATE_MS,
  type Manifest,
  type Phase,
  type Run,
  type Service,
  type ServiceStatusWord,
} from './model.ts'
import type { DtContainerFacts, DtPodFacts, JobFacts, Termination } from './ports/cluster.ts'

// ----------------------------------------------------------------------------------------------- observePod

export type Observed = Pick<Run, 'phase' | 'exitCode' | 'reason' | 'startedAt' | 'endedAt'>

/** Names of the containers that decide on a run. */
interface Containers {
  readonly main: string
  readonly inputs: string
}

/** With the last 300 characters of the detail: a reason is for people, and programs write the cause last. */
const withDetail = (cause: string, detail: string | null | undefined): string => {
  const words = detail?.trim()
  return words ? `${cause}: ${words.slice(-300)}` : cause
}

const isPodOver = ({ phase }: DtPodFacts): boolean => phase === 'Succeeded' || phase === 'Failed'

const NOT_YET: Observed = { phase: 'pending', exitCode: null, reason: null, startedAt: null, endedAt: null }

function whyPending(pod: DtPodFacts): string | null {
  if (pod.unschedulable) return withDetail('no node of the cluster can run it yet', pod.unschedulable)
  for (const { waiting } of [...pod.initContainers, ...pod.containers]) {
    const cause = waiting && UNSTARTABLE[waiting.reason]
    if (cause) return withDetail(`${cause} (${waiting.reason})`, waiting.message)
  }
  return null
}

const isUnstartable = ({ takenAt, initContainers, containers }: DtPodFacts, now: Date, budgetMs: number): boolean =>
  takenAt !== null &&
  now.getTime() - takenAt.getTime() > budgetMs &&
  [...initContainers, ...containers].some(({ waiting }) => waiting !== null && waiting.reason in UNSTARTABLE)

/**
 * True if no active pod of a Job could start within `budgetMs`, the time for which a registry may be down. Kubernetes would
 * retry for ever and block the schedule meanwhile. A pod that has got further proves that the spec can start.
 */
export function cannotStart(pods: readonly DtPodFacts[], now: Date, budgetMs: number): boolean {
  const active = pods.filter((pod) => !isPodOver(pod) && !pod.deleting)
  return active.length > 0 && active.every((pod) => isUnstartable(pod, now, budgetMs))
}

const byName = (containers: readonly DtContainerFacts[], name: string) => containers.find((one) => one.name === name)

/** For a pod that Kubernetes ended or that never started its main container. */
function whyFailed(pod: DtPodFacts, inputs: DtContainerFacts | undefined): string {
  const end = inputs?.terminated
  if (end && end.exitCode !== 0) return withDetail('its inputs could not be fetched', end.message)
  return withDetail(`its pod was ended by Kubernetes (${pod.reason ?? 'Failed'})`, pod.message)
}

const failure = (reason: string, at: Date, end?: Termination): Observed => ({
  phase: 'failed',
  exitCode: end?.exitCode ?? null,
  reason,
  startedAt: end?.startedAt ?? null,
  endedAt: end?.endedAt ?? at,
})

/** Why a run whose process succeeded has failed nevertheless; null if it has not. */
const OUTCOMES = {
  complete: () => null,
  incomplete: ({ reason }: Manifest) => `its outputs are incomplete: ${reason ?? 'no reason was given'}`,
  open: () => 'it ended before all its outputs were stored',
  missing: () => 'it ended without saying what its outputs are',
} as const satisfies Record<Manifest['state'] | 'missing', (manifest: Manifest) => string | null>

const outcomeOf = (manifest: Manifest | undefined): string | null =>
  manifest ? OUTCOMES[manifest.state](manifest) : OUTCOMES.missing()

function afterEnd(pod: DtPodFacts, end: Termination, manifest: Manifest | undefined, now: Date): Observed {
  const times = { exitCode: end.exitCode, startedAt: end.startedAt, endedAt: null }
  const settled = manifest !== undefined && manifest.state !== 'open'
  if (!isPodOver(pod) && !settled) return { ...times, phase: 'finishing', reason: 'its outputs are being stored' }
  if (end.exitCode !== 0) return failure(withDetail(describeExit(end), end.message), now, end)
  // The last request of `upload-outputs` may still be in progress.
  const isLate = now.getTime() - (end.endedAt ?? pod.createdAt).getTime() > LATE_MS
  if (!settled && !isLate) return { ...times, phase: 'finishing', reason: 'its outputs are being stored' }
  const fault = outcomeOf(manifest)
  return fault === null
    ? { ...times, phase: 'succeeded', reason: null, endedAt: end.endedAt ?? now }
    : failure(fault, now, end)
}

/** The run of a pod that exists. */
export function observePod(pod: DtPodFacts, names: Containers, manifest: Manifest | undefined, now: Date): Observed {
  const main = byName(pod.containers, names.main)
  if (main?.terminated) return afterEnd(pod, main.terminated, manifest, now)
  if (isPodOver(pod)) return failure(whyFailed(pod, byName(pod.initContainers, names.inputs)), now)
  if (main?.running) return { ...NOT_YET, phase: 'running', startedAt: main.startedAt }
  return { ...NOT_YET, reason: whyPending(pod) }
}

/** A recorded run whose pod is gone. Its Job may know how it ended. */
export function observeGone(run: Run, job: JobFacts | undefined, manifest: Manifest | undefined, now: Date): Observed {
  const done = job?.completedIndexes.includes(run.index) || run.exitCode === 0
  const times = { exitCode: run.exitCode, startedAt: run.startedAt }
  // Why it never started says more than that its pod is gone.
  const cause = run.phase === 'pending' && run.reason ? `it never began: ${run.reason}` : 'its pod was deleted'
  if (!done) return { ...failure(cause, now), ...times }
  const fault = outcomeOf(manifest)
  return fault === null
    ? { ...times, phase: 'succeeded', reason: null, endedAt: now }
    : { ...failure(fault, now), ...times }
}

// ---------------------------------------------------------------------------------------------------- judge

export interface FiringVerdict {
  readonly counts: Counts
  /** No run is active or will start. */
  readonly isOver: boolean
  /** Why runs have failed; null if none has. */
  readonly reason: string | null
}

/** The last attempt of each index; earlier ones do not count. */
export function lastAttempts(runs: readonly Run[]): Map<string, Run> {
  const last = new Map<string, Run>()
  for (const run of runs) {
    const key = `${run.firing}/${run.index}`
    const known = last.get(key)
    // An attempt that succeeded decides, even if it is not the last.
    if (!known || (run.attempt > known.attempt && known.phase !== 'succeeded')) last.set(key, run)
  }
  return last
}

/** A failed index gets another attempt unless its Job has failed it or has ended. */
const isRetried = ({ index, phase }: Run, job: JobFacts | undefined): boolean =>
  phase === 'failed' &&
  job !== undefined &&
  job.ended === null &&
  !job.failedIndexes.includes(index) &&
  !job.completedIndexes.includes(index)

/** The state of one firing, from its runs with indexes 0 to `wanted` − 1. */
export function judge(runs: readonly Run[], wanted: number, job: JobFacts | undefined): FiringVerdict {
  const last = [...lastAttempts(runs).values()].filter(({ index }) => index < wanted)
  const succeeded = last.filter(({ phase }) => phase === 'succeeded').length
  const lost = last.filter((run) => run.phase === 'failed' && !isRetried(run, job))
  const active = last.filter((run) => !isOver(run.phase) || isRetried(run, job)).length
  const isEnded = job === undefined || job.ended !== null
  const missing = isEnded ? wanted - succeeded - lost.length - active : 0
  const failed = lost.length + Math.max(0, missing)
  const firstReason = lost[0]?.reason ?? job?.ended?.reason ?? 'its Job was deleted'
  return {
    counts: { active, succeeded, failed },
    isOver: active === 0 && succeeded + failed >= wanted,
    reason: failed === 0 ? null : `${failed} of ${wanted} runs failed: ${firstReason}`,
  }
}

// --------------------------------------------------------------------------------------------------- status

/** The API has three statuses. A service that has not started is `running`: clients take `error` for an end. */
const WORDS: Readonly<Record<Phase, ServiceStatusWord>> = {
  launching: 'running',
  pending: 'running',
  queued: 'running',
  running: 'running',
  scheduled: 'running',
  serving: 'running',
  succeeded: 'ok',
  failed: 'error',
  terminated: 'error',
  removing: 'error',
}

export function statusWord({ phase, reason, counts }: Pick<Service, 'phase' | 'reason' | 'counts'>): ServiceStatusWord {
  const lasts = phase === 'scheduled' || phase === 'serving'
  if (lasts && reason !== null) return 'error'
  return phase === 'scheduled' && counts.succeeded > 0 ? 'ok' : WORDS[phase]
}

// ---------------------------------------------------------------------------------------------------- queue

type Waiting = Pick<
  JobFacts,
  'name' | 'suspended' | 'ended' | 'completions' | 'parallelism' | 'succeeded' | 'createdAt'
>

/** The number of runs that a Job can have at the same time. */
const widthOf = ({ completions, parallelism, succeeded }: Waiting): number =>
  Math.max(1, Math.min(parallelism, completions - succeeded))

/**
 * The suspended Jobs that may start: first in, first out, while there is room. A Job does not overtake a wider one. A Job that
 * is wider than `maxRuns` runs alone.
 */
export function admit<J extends Waiting>(jobs: readonly J[], maxRuns: number): J[] {
  const active = jobs.filter(({ suspended, ended }) => !suspended && !ended)
  const waiting = jobs
    .filter(({ suspended, ended }) => suspended && !ended)
    .toSorted((one, other) => one.createdAt.getTime() - other.createdAt.getTime() || (one.name < other.name ? -1 : 1))
  if (maxRuns === 0) return waiting
  let used = active.reduce((sum, job) => sum + widthOf(job), 0)
  const admitted: J[] = []
  for (const job of waiting) {
    if (used > 0 && used + widthOf(job) > maxRuns) break
    used += widthOf(job)
    admitted.push(job)
  }
  return admitted
}
