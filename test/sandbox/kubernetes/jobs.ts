/**
 * Decides the next actions of a Job from its spec, status and pods. Pure. Indexes, back-off per index and in total, pod failure
 * policy, suspension, deadline. The controller counts each ended pod once and acts.
 */
import type { KubeObject } from './objects.ts'
import { isOver, isReady, phaseOf } from './pod-types.ts'

export const INDEX = 'batch.kubernetes.io/job-completion-index'
export const FAILURES = 'batch.kubernetes.io/job-index-failure-count'
/** On each pod until it has been counted. */
export const TRACKING = 'batch.kubernetes.io/job-tracking'

interface Rule {
  readonly action: 'FailJob' | 'FailIndex' | 'Ignore' | 'Count'
  readonly onExitCodes?: {
    readonly containerName?: string
    readonly operator: 'In' | 'NotIn'
    readonly values: readonly number[]
  }
  readonly onPodConditions?: readonly { readonly type: string; readonly status?: string }[]
}

export interface JobSpec {
  readonly parallelism: number
  readonly completions?: number
  readonly completionMode: 'Indexed' | 'NonIndexed'
  readonly backoffLimit: number
  readonly backoffLimitPerIndex?: number
  readonly maxFailedIndexes?: number
  readonly suspend: boolean
  readonly activeDeadlineSeconds?: number
  readonly ttlSecondsAfterFinished?: number
  readonly podReplacementPolicy: 'Failed' | 'TerminatingOrFailed'
  readonly podFailurePolicy?: { readonly rules: readonly Rule[] }
  readonly template: {
    readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> }
    readonly spec: object
  }
}

export interface JobCondition {
  readonly type: string
  readonly status: 'True' | 'False'
  readonly reason: string
  readonly message: string
  readonly lastProbeTime: string
  readonly lastTransitionTime: string
}

export interface JobStatus {
  readonly active?: number
  readonly ready?: number
  readonly terminating?: number
  readonly succeeded?: number
  readonly failed?: number
  readonly completedIndexes?: string
  readonly failedIndexes?: string
  readonly startTime?: string
  readonly completionTime?: string
  readonly conditions?: readonly JobCondition[]
  readonly uncountedTerminatedPods?: object
}

export const jobSpecOf = (job: KubeObject) => job['spec'] as JobSpec
export const jobStatusOf = (job: KubeObject) => (job['status'] ?? {}) as JobStatus

export const conditionOf = ({ conditions = [] }: JobStatus, type: string): JobCondition | undefined =>
  conditions.find((one) => one.type === type && one.status === 'True')

/** As the status writes sets of indexes: `0,2-5`. */
export function parseIndexes(text: string | undefined): Set<number> {
  const indexes = new Set<number>()
  for (const part of (text ?? '').split(',').filter((one) => one !== '')) {
    const [first = 0, last = first] = part.split('-').map(Number)
    for (let index = first; index <= last; index++) indexes.add(index)
  }
  return indexes
}

export function formatIndexes(indexes: ReadonlySet<number>): string {
  const parts: [number, number][] = []
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const open = parts.at(-1)
    if (open && open[1] === index - 1) open[1] = index
    else parts.push([index, index])
  }
  const textOf = ([first, last]: [number, number]) =>
    first === last ? String(first) : `${first}${last === first + 1 ? ',' : '-'}${last}`
  return parts.map(textOf).join(',')
}

const isDeleting = ({ metadata }: KubeObject): boolean => metadata.deletionTimestamp !== undefined

export const hasSucceeded = (pod: KubeObject): boolean => phaseOf(pod) === 'Succeeded'

/** A pod that is being deleted counts as failed at once, unless the Job waits for its end before it makes another. */
export const hasFailed = (pod: KubeObject, { podReplacementPolicy }: JobSpec): boolean =>
  phaseOf(pod) === 'Failed' || (isDeleting(pod) && !isOver(pod) && podReplacementPolicy === 'TerminatingOrFailed')

export const indexOf = (pod: KubeObject): number => Number(pod.metadata.annotations?.[INDEX] ?? -1)
export const failuresOf = (pod: KubeObject): number => Number(pod.metadata.annotations?.[FAILURES] ?? 0)

interface Ended {
  readonly name: string
  readonly state: { readonly terminated?: { readonly exitCode: number } }
}

/** What the first fitting rule says of a failed pod. */
export function actionFor(pod: KubeObject, { podFailurePolicy }: JobSpec): Rule['action'] {
  const status = (pod['status'] ?? {}) as {
    initContainerStatuses?: readonly Ended[]
    containerStatuses?: readonly Ended[]
    conditions?: readonly { type: string; status: string }[]
  }
  const ended = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]
  const fits = ({ onExitCodes, onPodConditions }: Rule): boolean =>
    onExitCodes
      ? ended.some(({ name, state: { terminated } }) => {
          if (!terminated || terminated.exitCode === 0) return false
          if (onExitCodes.containerName !== undefined && onExitCodes.containerName !== name) return false
          return onExitCodes.values.includes(terminated.exitCode) === (onExitCodes.operator === 'In')
        })
      : (onPodConditions ?? []).some(({ type, status: wanted = 'True' }) =>
          status.conditions?.some((one) => one.type === type && one.status === wanted),
        )
  return podFailurePolicy?.rules.find(fits)?.action ?? 'Count'
}

/** What ended pods that were not counted yet add to the status. */
export function counted(spec: JobSpec, status: JobStatus, ended: readonly KubeObject[]): JobStatus {
  const done = ended.filter(hasSucceeded)
  const failures = ended
    .filter((pod) => !hasSucceeded(pod))
    .map((pod) => ({ pod, action: actionFor(pod, spec) }))
    .filter(({ action }) => action !== 'Ignore')
  const failed = (status.failed ?? 0) + failures.length
  const totals = failed > 0 ? { ...status, failed } : status
  if (spec.completionMode === 'NonIndexed') return withSucceeded(totals, (status.succeeded ?? 0) + done.length)

  const completed = new Set([...parseIndexes(status.completedIndexes), ...done.map(indexOf)])
  const sums = withSucceeded(totals, completed.size)
  const limit = spec.backoffLimitPerIndex
  const lost = failures.filter(({ pod, action }) => action === 'FailIndex' || failuresOf(pod) >= (limit ?? Infinity))
  const failedIndexes = new Set([...parseIndexes(status.failedIndexes), ...lost.map(({ pod }) => indexOf(pod))])
  return {
    ...sums,
    ...(completed.size > 0 ? { completedIndexes: formatIndexes(completed) } : {}),
    ...(limit === undefined ? {} : { failedIndexes: formatIndexes(failedIndexes) }),
  }
}

const withSucceeded = (status: JobStatus, succeeded: number): JobStatus =>
  succeeded > 0 ? { ...status, succeeded } : status

export interface Verdict {
  readonly type: 'Complete' | 'Failed'
  readonly reason: string
  readonly message: string
}

const fail = (reason: string, message: string): Verdict => ({ type: 'Failed', reason, message })

/** The first of these that holds, ends a Job before all of its pods have succeeded. */
const FAILURES_OF_JOB: readonly (readonly [string, string, (facts: Facts) => boolean])[] = [
  ['PodFailurePolicy', 'A pod matched the FailJob rule of the pod failure policy', ({ refused }) => refused],
  ['DeadlineExceeded', 'Job was active longer than specified deadline', ({ overdue }) => overdue],
  [
    'BackoffLimitExceeded',
    'Job has reached the specified backoff limit',
    ({ spec, status }) => (status.failed ?? 0) > spec.backoffLimit,
  ],
  [
    'MaxFailedIndexesExceeded',
    'Job has exceeded the specified maximal number of failed indexes',
    ({ spec, lost }) => lost > (spec.maxFailedIndexes ?? Infinity),
  ],
]

interface Facts {
  readonly spec: JobSpec
  readonly status: JobStatus
  /** Indexes given up. */
  readonly lost: number
  /** A pod failed in a way that fails the Job. */
  readonly refused: boolean
  readonly overdue: boolean
}

/** Whether a Job is at its end, and why; undefined while it goes on. */
export function verdictOn(spec: JobSpec, status: JobStatus, refused: boolean, overdue: boolean): Verdict | undefined {
  const lost = parseIndexes(status.failedIndexes).size
  const failure = FAILURES_OF_JOB.find(([, , holds]) => holds({ spec, status, lost, refused, overdue }))
  if (failure) return fail(failure[0], failure[1])
  const succeeded = status.succeeded ?? 0
  const wanted = spec.completions ?? (succeeded > 0 ? succeeded : Infinity)
  if (succeeded >= wanted)
    return { type: 'Complete', reason: 'CompletionsReached', message: 'Reached expected number of succeeded pods' }
  return lost > 0 && succeeded + lost >= wanted ? fail('FailedIndexes', 'Job has failed indexes') : undefined
}

/** The pods that should be made now: an index each (or -1), with how often it failed before. */
export function missing(
  spec: JobSpec,
  status: JobStatus,
  pods: readonly KubeObject[],
  mayRetry: (failed: KubeObject | undefined, failures: number) => boolean,
): { readonly index: number; readonly failures: number }[] {
  const active = pods.filter((pod) => !hasSucceeded(pod) && !hasFailed(pod, spec))
  const room = spec.parallelism - active.length
  if (room <= 0) return []
  if (spec.completionMode === 'NonIndexed') {
    const left = (spec.completions ?? spec.parallelism) - (status.succeeded ?? 0) - active.length
    const last = latest(pods.filter((pod) => hasFailed(pod, spec)))
    return mayRetry(last, status.failed ?? 0)
      ? Array(Math.max(0, Math.min(room, left))).fill({ index: -1, failures: 0 })
      : []
  }
  const done = new Set([
    ...parseIndexes(status.completedIndexes),
    ...parseIndexes(status.failedIndexes),
    ...active.map(indexOf),
  ])
  const indexes = Array.from({ length: spec.completions ?? 0 }, (_, index) => index).filter((index) => !done.has(index))
  return indexes
    .map((index) => {
      const last = latest(pods.filter((pod) => indexOf(pod) === index && hasFailed(pod, spec)))
      const counts = last !== undefined && actionFor(last, spec) !== 'Ignore'
      const failures = last ? failuresOf(last) + Number(counts) : 0
      return { index, failures, ready: mayRetry(last, failures) }
    })
    .filter(({ ready }) => ready)
    .slice(0, room)
}

function latest(pods: readonly KubeObject[]): KubeObject | undefined {
  return pods.reduce<KubeObject | undefined>(
    (last, pod) => (last && Number(last.metadata.resourceVersion) > Number(pod.metadata.resourceVersion) ? last : pod),
    undefined,
  )
}

export const activeOf = (spec: JobSpec, pods: readonly KubeObject[]) => {
  const active = pods.filter((pod) => !hasSucceeded(pod) && !hasFailed(pod, spec))
  return {
    active,
    ready: active.filter(isReady).length,
    terminating: pods.filter((pod) => isDeleting(pod) && !isOver(pod)).length,
  }
}
