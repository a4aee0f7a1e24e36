/**
 * What became of runs and services, and what is to be done: tables and nothing else.
 *
 * - `observePod`: facts of a pod × what it said of its outputs → a run.
 * - `judge`: the runs of a firing and its Job → the state of the firing.
 * - `statusWord`: phase of a service → the word of the API.
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
  type RunPhase,
  type Service,
  type StatusWord,
} from './model.ts'
import type { ContainerFacts, JobFacts, PodFacts, Termination } from './ports/cluster.ts'

// ----------------------------------------------------------------------------------------------- observePod

export interface Observed {
  readonly phase: RunPhase
  readonly exitCode: number | null
  readonly reason: string | null
  readonly startedAt: Date | null
  readonly endedAt: Date | null
}

/** Names of the containers that a run is known by. */
export interface Containers {
  readonly main: string
  readonly inputs: string
}

/** What a program wrote last may be long; a reason is read by people. */
const withDetail = (cause: string, detail: string | null | undefined): string => {
  const words = detail?.trim()
  return words ? `${cause}: ${words.slice(-300)}` : cause
}

const isPodOver = ({ phase }: PodFacts): boolean => phase === 'Succeeded' || phase === 'Failed'

const NOT_YET: Observed = { phase: 'pending', exitCode: null, reason: null, startedAt: null, endedAt: null }

function whyPending(pod: PodFacts): string | null {
  if (pod.unschedulable) return withDetail('no node of the cluster can run it yet', pod.unschedulable)
  for (const { waiting } of [...pod.initContainers, ...pod.containers]) {
    const cause = waiting && UNSTARTABLE[waiting.reason]
    if (cause) return withDetail(`${cause} (${waiting.reason})`, waiting.message)
  }
  return null
}

const isUnstartable = ({ takenAt, initContainers, containers }: PodFacts, now: Date, budgetMs: number): boolean =>
  takenAt !== null &&
  now.getTime() - takenAt.getTime() > budgetMs &&
  [...initContainers, ...containers].some(({ waiting }) => waiting !== null && waiting.reason in UNSTARTABLE)

/**
 * True of the pods of a Job when none of them could start for `budgetMs`; a registry may be away for so long. Kubernetes would try for ever, and hold up a schedule for as long. One
 * that came further shows that it is not the fault of what was asked for.
 */
export function cannotStart(pods: readonly PodFacts[], now: Date, budgetMs: number): boolean {
  const active = pods.filter((pod) => !isPodOver(pod) && !pod.deleting)
  return active.length > 0 && active.every((pod) => isUnstartable(pod, now, budgetMs))
}

const byName = (containers: readonly ContainerFacts[], name: string) => containers.find((one) => one.name === name)

/** Of a pod that Kubernetes ended, or that never got as far as its image. */
function whyFailed(pod: PodFacts, inputs: ContainerFacts | undefined): string {
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

/** A run whose process did its work: what its outputs make of it. */
export const OUTCOMES = {
  complete: () => null,
  incomplete: ({ reason }: Manifest) => `its outputs are incomplete: ${reason ?? 'no reason was given'}`,
  open: () => 'it ended before all its outputs were stored',
  missing: () => 'it ended without saying what its outputs are',
} as const satisfies Record<Manifest['state'] | 'missing', (manifest: Manifest) => string | null>

const outcomeOf = (manifest: Manifest | undefined): string | null =>
  manifest ? OUTCOMES[manifest.state](manifest) : OUTCOMES.missing()

function afterEnd(pod: PodFacts, end: Termination, manifest: Manifest | undefined, now: Date): Observed {
  const times = { exitCode: end.exitCode, startedAt: end.startedAt, endedAt: null }
  const settled = manifest !== undefined && manifest.state !== 'open'
  if (!isPodOver(pod) && !settled) return { ...times, phase: 'finishing', reason: 'its outputs are being stored' }
  if (end.exitCode !== 0) return failure(withDetail(describeExit(end), end.message), now, end)
  // The last request of the program that stores outputs may still be under way.
  const isLate = now.getTime() - (end.endedAt ?? pod.createdAt).getTime() > LATE_MS
  if (!settled && !isLate) return { ...times, phase: 'finishing', reason: 'its outputs are being stored' }
  const fault = outcomeOf(manifest)
  return fault === null
    ? { ...times, phase: 'succeeded', reason: null, endedAt: end.endedAt ?? now }
    : failure(fault, now, end)
}

/** What a pod says of its run. */
export function observePod(pod: PodFacts, names: Containers, manifest: Manifest | undefined, now: Date): Observed {
  const main = byName(pod.containers, names.main)
  if (main?.terminated) return afterEnd(pod, main.terminated, manifest, now)
  if (isPodOver(pod)) return failure(whyFailed(pod, byName(pod.initContainers, names.inputs)), now)
  if (main?.running) return { ...NOT_YET, phase: 'running', startedAt: main.startedAt }
  return { ...NOT_YET, reason: whyPending(pod) }
}

/** What becomes of a recorded run whose pod is gone: its Job may know how it ended. */
export function observeGone(run: Run, job: JobFacts | undefined, manifest: Manifest | undefined, now: Date): Observed {
  const done = job?.completedIndexes.includes(run.index) || run.exitCode === 0
  const times = { exitCode: run.exitCode, startedAt: run.startedAt }
  // Why it did not begin says more than that it is gone.
  const cause = run.phase === 'pending' && run.reason ? `it never began: ${run.reason}` : 'its pod was deleted'
  if (!done) return { ...failure(cause, now), ...times }
  const fault = outcomeOf(manifest)
  return fault === null
    ? { ...times, phase: 'succeeded', reason: null, endedAt: now }
    : { ...failure(fault, now), ...times }
}

// ---------------------------------------------------------------------------------------------------- judge

interface Firing {
  readonly counts: Counts
  readonly isOver: boolean
  /** Why not all is well. */
  readonly reason: string | null
}

/** The last attempt of each index; earlier ones count no more. */
export function lastAttempts(runs: readonly Run[]): Map<string, Run> {
  const last = new Map<string, Run>()
  for (const run of runs) {
    const key = `${run.firing}/${run.index}`
    const known = last.get(key)
    // Of two attempts the one that succeeded tells what became of the index.
    if (!known || (run.attempt > known.attempt && known.phase !== 'succeeded')) last.set(key, run)
  }
  return last
}

/** An index has another attempt to come as long as its Job neither gave it up nor ended. */
const isRetried = ({ index, phase }: Run, job: JobFacts | undefined): boolean =>
  phase === 'failed' &&
  job !== undefined &&
  job.ended === null &&
  !job.failedIndexes.includes(index) &&
  !job.completedIndexes.includes(index)

/** What became of the runs with indexes 0 to `wanted` − 1 of one firing. */
export function judge(runs: readonly Run[], wanted: number, job: JobFacts | undefined): Firing {
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

export const addCounts = (one: Counts, other: Counts): Counts => ({
  active: one.active + other.active,
  succeeded: one.succeeded + other.succeeded,
  failed: one.failed + other.failed,
})

export const NO_RUNS: Counts = { active: 0, succeeded: 0, failed: 0 }

// ---------------------------------------------------------------------------------------------------- words

type Wording = (service: Pick<Service, 'reason' | 'counts'>) => StatusWord

const running: Wording = () => 'running'
const error: Wording = () => 'error'

/** The API has three words; what has not begun is `running`, since clients take `error` for an end. */
const WORDS: Readonly<Record<Phase, Wording>> = {
  launching: running,
  pending: running,
  queued: running,
  running,
  scheduled: ({ reason, counts }) => (reason === null ? (counts.succeeded > 0 ? 'ok' : 'running') : 'error'),
  serving: ({ reason }) => (reason === null ? 'running' : 'error'),
  succeeded: () => 'ok',
  failed: error,
  terminated: error,
  removing: error,
}

export const statusWord = (service: Pick<Service, 'phase' | 'reason' | 'counts'>): StatusWord =>
  WORDS[service.phase](service)

// ---------------------------------------------------------------------------------------------------- queue

type Waiting = Pick<
  JobFacts,
  'name' | 'suspended' | 'ended' | 'completions' | 'parallelism' | 'succeeded' | 'createdAt'
>

/** Runs that a Job may have at the same time. */
const widthOf = ({ completions, parallelism, succeeded }: Waiting): number =>
  Math.max(1, Math.min(parallelism, completions - succeeded))

/**
 * The Jobs that may go on: in the order of their coming, as long as there is room. None overtakes a wider one before it, and
 * one that is wider than all the room there is runs alone.
 */
export function admit<J extends Waiting>(jobs: readonly J[], maxRuns: number): J[] {
  const going = jobs.filter(({ suspended, ended }) => !suspended && !ended)
  const waiting = jobs
    .filter(({ suspended, ended }) => suspended && !ended)
    .toSorted((one, other) => one.createdAt.getTime() - other.createdAt.getTime() || (one.name < other.name ? -1 : 1))
  if (maxRuns === 0) return waiting
  let used = going.reduce((sum, job) => sum + widthOf(job), 0)
  const admitted: J[] = []
  for (const job of waiting) {
    if (used > 0 && used + widthOf(job) > maxRuns) break
    used += widthOf(job)
    admitted.push(job)
  }
  return admitted
}
