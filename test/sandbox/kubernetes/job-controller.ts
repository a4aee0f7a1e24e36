/** Makes the pods of Jobs, counts how they ended, and ends Jobs; removes them after their time to live. */
import {
  actionFor,
  activeOf,
  conditionOf,
  counted,
  FAILURES,
  hasFailed,
  hasSucceeded,
  INDEX,
  type JobCondition,
  type JobStatus,
  jobSpecOf,
  jobStatusOf,
  missing,
  TRACKING,
  type Verdict,
  verdictOn,
} from './jobs.ts'
import { equal } from './merge.ts'
import { type KubeObject, kindNamed } from './objects.ts'
import { isOver } from './pod-types.ts'
import { controllerRef, createQueue, randomName } from './queue.ts'
import type { Resources } from './resources.ts'
import { type Store, timestamp } from './store.ts'

const MANAGER = 'kube-controller-manager'
const JOBS = kindNamed('Job')
const PODS = kindNamed('Pod')

/** `backoffMs`: before the first retry of a pod; it doubles with each. */
export function startJobs(store: Store, resources: Resources, backoffMs: number): () => void {
  const queue = createQueue((uid) => {
    const object = store.byUid(uid)
    if (object?.kind === 'Job') attend(object)
    else if (object?.kind === 'Pod') releasePod(object)
  })

  const podsOf = (job: KubeObject): KubeObject[] =>
    store.dependents(job.metadata.uid).filter(({ kind }) => kind === 'Pod')

  function attend(job: KubeObject): void {
    const pods = podsOf(job)
    const status = jobStatusOf(job)
    const isOut = conditionOf(status, 'Complete') ?? conditionOf(status, 'Failed')
    if (job.metadata.deletionTimestamp === undefined && !isOut) proceed(job, pods)
    else for (const pod of pods) untrack(pod)
    if (isOut) expire(job)
  }

  function proceed(job: KubeObject, pods: readonly KubeObject[]): void {
    const spec = jobSpecOf(job)
    const ended = pods.filter((pod) => isTracked(pod) && (hasSucceeded(pod) || hasFailed(pod, spec)))
    const started = withStart(job)
    // Those that end because of a suspension did not fail.
    const isCounted = (pod: KubeObject) => !spec.suspend || hasSucceeded(pod)
    const sums = counted(spec, started, ended.filter(isCounted))
    const failedJob = ended.some((pod) => hasFailed(pod, spec) && actionFor(pod, spec) === 'FailJob')
    const verdict = pendingVerdict(sums) ?? verdictOn(spec, sums, failedJob, isOverdue(job, sums))
    const unwanted = verdict !== undefined || spec.suspend
    if (unwanted) for (const pod of activeOf(spec, pods).active) end(pod)
    // The status first: a released pod is not counted again.
    report(job, sums, pods, verdict)
    ended.forEach(untrack)
    if (!unwanted) fill(job, sums, pods)
  }

  /** A suspended Job has no start time; a resumed one gets a new start time. */
  function withStart(job: KubeObject): JobStatus {
    const spec = jobSpecOf(job)
    const { startTime, ...status } = jobStatusOf(job)
    if (spec.suspend) return status
    const since = startTime ?? timestamp()
    const { activeDeadlineSeconds: seconds } = spec
    // Its deadline may be set, or moved, while it runs.
    const left = seconds === undefined ? 0 : Date.parse(since) + seconds * 1000 - Date.now()
    if (left > 0) queue.later(job.metadata.uid, left + 10)
    return { ...status, startTime: since }
  }

  const isOverdue = (job: KubeObject, { startTime }: JobStatus): boolean => {
    const { activeDeadlineSeconds: seconds } = jobSpecOf(job)
    return seconds !== undefined && startTime !== undefined && Date.now() - Date.parse(startTime) >= seconds * 1000
  }

  function fill(job: KubeObject, status: JobStatus, pods: readonly KubeObject[]): void {
    const mayRetry = (failed: KubeObject | undefined, failures: number): boolean => {
      if (!failed || failures === 0) return true
      const wait = endOf(failed) + backoffMs * 2 ** (failures - 1) - Date.now()
      if (wait > 0) queue.later(job.metadata.uid, wait)
      return wait <= 0
    }
    for (const one of missing(jobSpecOf(job), status, pods, mayRetry)) make(job, one.index, one.failures)
  }

  /** When the controller saw a pod fail; its own clock, since the status counts in seconds. */
  const ends = new Map<string, number>()
  function endOf({ metadata }: KubeObject): number {
    const known = ends.get(metadata.uid) ?? Date.now()
    ends.set(metadata.uid, known)
    return known
  }

  function make(job: KubeObject, index: number, failures: number): void {
    const { template, backoffLimitPerIndex } = jobSpecOf(job)
    const { name, namespace } = job.metadata
    const own = index < 0 ? {} : { [INDEX]: String(index) }
    const counter = backoffLimitPerIndex === undefined ? {} : { [FAILURES]: String(failures) }
    const prefix = index < 0 ? name : `${name}-${index}`
    const metadata = {
      name: `${prefix}-${randomName(5)}`,
      generateName: `${prefix}-`,
      labels: { ...template.metadata?.labels, ...own },
      annotations: { ...template.metadata?.annotations, ...own, ...counter },
      finalizers: [TRACKING],
      ownerReferences: [controllerRef(job)],
    }
    const spec = index < 0 ? template.spec : { hostname: prefix, ...withIndex(template.spec as Containers) }
    const body = { apiVersion: 'v1', kind: 'Pod', metadata, spec }
    try {
      resources.create(PODS, namespace, body, MANAGER)
    } catch {
      // Its namespace goes; the Job with it.
    }
  }

  function end({ metadata }: KubeObject): void {
    if (metadata.deletionTimestamp === undefined) resources.remove(PODS, metadata.namespace, metadata.name)
  }

  function untrack(pod: KubeObject): void {
    const live = store.byUid(pod.metadata.uid)
    if (!live || !isTracked(live)) return
    const { finalizers = [], ...metadata } = live.metadata
    const others = finalizers.filter((one) => one !== TRACKING)
    resources.write({ ...live, metadata: { ...metadata, ...(others.length > 0 ? { finalizers: others } : {}) } })
  }

  /** Releases pods of a deleted Job without counting them. */
  function releasePod(pod: KubeObject): void {
    if (isTracked(pod) && !pod.metadata.ownerReferences?.some(({ uid }) => store.byUid(uid))) untrack(pod)
  }

  function report(job: KubeObject, sums: JobStatus, pods: readonly KubeObject[], verdict: Verdict | undefined): void {
    const spec = jobSpecOf(job)
    const { active, ready, terminating } = activeOf(spec, pods)
    const settled = verdict !== undefined && pods.every(isOver)
    const { active: _, ...rest } = sums
    const status: JobStatus = {
      ...rest,
      ...(active.length > 0 ? { active: active.length } : {}),
      ready,
      terminating,
      uncountedTerminatedPods: {},
      ...conditionsOf(sums, spec.suspend, verdict, settled),
      ...(settled && verdict?.type === 'Complete' ? { completionTime: timestamp() } : {}),
    }
    if (!equal(status, job['status'])) resources.write({ ...job, status: status as object })
  }

  function expire(job: KubeObject): void {
    const { ttlSecondsAfterFinished: seconds } = jobSpecOf(job)
    if (seconds === undefined) return
    const ended = conditionOf(jobStatusOf(job), 'Complete') ?? conditionOf(jobStatusOf(job), 'Failed')
    const left = Date.parse(ended?.lastTransitionTime ?? '') + seconds * 1000 - Date.now()
    const { namespace, name, uid } = job.metadata
    if (left > 0) queue.later(uid, left)
    else resources.remove(JOBS, namespace, name, { propagationPolicy: 'Foreground' })
  }

  function seeJob(job: KubeObject, isGone: boolean): void {
    queue.add(job.metadata.uid)
    if (isGone) for (const pod of podsOf(job)) queue.add(pod.metadata.uid)
  }

  function seePod(pod: KubeObject, isGone: boolean): void {
    for (const { uid, controller } of pod.metadata.ownerReferences ?? []) if (controller) queue.add(uid)
    if (isTracked(pod)) queue.add(pod.metadata.uid)
    if (isGone) ends.delete(pod.metadata.uid)
  }

  const stop = store.onChange(({ type, kind, object }) => {
    if (kind === JOBS) seeJob(object, type === 'DELETED')
    else if (kind === PODS) seePod(object, type === 'DELETED')
  })
  return () => {
    stop()
    queue.stop()
  }
}

const isTracked = ({ metadata }: KubeObject): boolean => metadata.finalizers?.includes(TRACKING) ?? false

interface Containers {
  readonly initContainers?: readonly { readonly env?: readonly object[] }[]
  readonly containers: readonly { readonly env?: readonly object[] }[]
}

function withIndex(spec: Containers): object {
  const variable = {
    name: 'JOB_COMPLETION_INDEX',
    valueFrom: { fieldRef: { fieldPath: `metadata.labels['${INDEX}']` } },
  }
  const add = <T extends { readonly env?: readonly object[] }>(one: T) => ({
    ...one,
    env: [...(one.env ?? []), variable],
  })
  return {
    ...spec,
    ...(spec.initContainers ? { initContainers: spec.initContainers.map(add) } : {}),
    containers: spec.containers.map(add),
  }
}

/** The end that was announced, while its last pods go. */
function pendingVerdict(status: JobStatus): Verdict | undefined {
  const failure = conditionOf(status, 'FailureTarget')
  const success = conditionOf(status, 'SuccessCriteriaMet')
  if (failure) return { ...failure, type: 'Failed' }
  return success && { ...success, type: 'Complete' }
}

/** First the announcement, then, when nothing runs any more, the end. */
function conditionsOf(
  { conditions = [] }: JobStatus,
  suspended: boolean,
  verdict: Verdict | undefined,
  settled: boolean,
): { readonly conditions?: readonly JobCondition[] } {
  const next = [...conditions]
  const set = (type: string, status: 'True' | 'False', reason: string, message: string): void => {
    const at = next.findIndex((one) => one.type === type)
    if (next[at]?.status === status) return
    const now = timestamp()
    const condition = { type, status, reason, message, lastProbeTime: now, lastTransitionTime: now }
    next.splice(at < 0 ? next.length : at, 1, condition)
  }
  if (suspended && !verdict) set('Suspended', 'True', 'JobSuspended', 'Job suspended')
  else if (next.some(({ type }) => type === 'Suspended')) set('Suspended', 'False', 'JobResumed', 'Job resumed')
  if (verdict) {
    const announced = verdict.type === 'Failed' ? 'FailureTarget' : 'SuccessCriteriaMet'
    set(announced, 'True', verdict.reason, verdict.message)
    if (settled) set(verdict.type, 'True', verdict.reason, verdict.message)
  }
  return next.length > 0 ? { conditions: next } : {}
}
