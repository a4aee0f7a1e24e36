/** CronJobs make Jobs when they are due: concurrency policy, suspension, deadline for a late start, history limits. */
import { Cron } from 'croner'
import { plainSchedule } from './cron.ts'
import { conditionOf, jobStatusOf } from './jobs.ts'
import { equal } from './merge.ts'
import { type KubeObject, kindNamed } from './objects.ts'
import { controllerRef, createQueue } from './queue.ts'
import type { Resources } from './resources.ts'
import { type Store, timestamp } from './store.ts'

const MANAGER = 'kube-controller-manager'
const JOBS = kindNamed('Job')
const CRON_JOBS = kindNamed('CronJob')
const SCHEDULED_AT = 'batch.kubernetes.io/cronjob-scheduled-timestamp'
const MINUTE = 60_000
/** Timers count no further than some weeks. */
const LONGEST_WAIT = 60 * MINUTE

interface CronJobSpec {
  readonly schedule: string
  readonly timeZone?: string
  readonly suspend: boolean
  readonly concurrencyPolicy: 'Allow' | 'Forbid' | 'Replace'
  readonly startingDeadlineSeconds?: number
  readonly successfulJobsHistoryLimit: number
  readonly failedJobsHistoryLimit: number
  readonly jobTemplate: {
    readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> }
    readonly spec: object
  }
}

interface CronJobStatus {
  readonly active?: readonly object[]
  readonly lastScheduleTime?: string
  readonly lastSuccessfulTime?: string
}

const specOf = (object: KubeObject) => object['spec'] as CronJobSpec
const statusOf = (object: KubeObject) => (object['status'] ?? {}) as CronJobStatus

/** The last time due after `since` and until `now`. */
export function lastDue(
  { schedule, timeZone }: Pick<CronJobSpec, 'schedule' | 'timeZone'>,
  since: Date,
  now: Date,
): Date | undefined {
  const [last] = cronOf(schedule, timeZone).previousRuns(1, new Date(now.getTime() + 1))
  return last && last > since ? last : undefined
}

const cronOf = (schedule: string, timeZone: string | undefined): Cron =>
  new Cron(plainSchedule(schedule), { timezone: timeZone ?? 'Etc/UTC', paused: true, mode: '5-part' })

/** Undefined for a schedule that can be read. */
export function scheduleFault(schedule: string, timeZone: string | undefined): string | undefined {
  try {
    cronOf(schedule, timeZone).nextRun()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

interface CronClock {
  readonly now: () => Date
  /** Until a time of this clock, in milliseconds of the real one. */
  readonly until: (time: Date) => number
}

/** A clock whose minutes may be shorter, since nothing is due more often than each minute. */
export function cronClock(minuteMs = MINUTE): CronClock {
  const start = Date.now()
  const speed = MINUTE / minuteMs
  const now = () => new Date(start + (Date.now() - start) * speed)
  return { now, until: (time) => (time.getTime() - now().getTime()) / speed }
}

export function startCronJobs(store: Store, resources: Resources, clock: CronClock = cronClock()): () => void {
  const queue = createQueue((uid) => {
    const object = store.byUid(uid)
    if (object?.kind === 'CronJob' && object.metadata.deletionTimestamp === undefined) attend(object)
  })

  function attend(cron: KubeObject): void {
    const spec = specOf(cron)
    const jobs = store.dependents(cron.metadata.uid).filter(({ kind }) => kind === 'Job')
    forget(jobs)
    if (!spec.suspend) startIfDue(cron, jobs.filter(isActive))
    report(cron)
    const next = cronOf(spec.schedule, spec.timeZone).nextRun(clock.now())
    if (next) queue.later(cron.metadata.uid, Math.min(clock.until(next) + 20, LONGEST_WAIT))
  }

  function startIfDue(cron: KubeObject, active: readonly KubeObject[]): void {
    const { concurrencyPolicy } = specOf(cron)
    const due = dueOf(cron)
    if (!due || (concurrencyPolicy === 'Forbid' && active.length > 0)) return
    if (concurrencyPolicy === 'Replace') active.forEach(removeJob)
    make(cron, due)
    patchStatus(cron, { lastScheduleTime: timestamp(due) })
  }

  /** The start that is due and not too late. */
  function dueOf(cron: KubeObject): Date | undefined {
    const spec = specOf(cron)
    const since = new Date(statusOf(cron).lastScheduleTime ?? cron.metadata.creationTimestamp)
    const due = lastDue(spec, since, clock.now())
    const latest = (spec.startingDeadlineSeconds ?? Infinity) * 1000
    return due && clock.now().getTime() - due.getTime() <= latest ? due : undefined
  }

  function make(cron: KubeObject, due: Date): void {
    const { jobTemplate } = specOf(cron)
    const { name, namespace } = cron.metadata
    const metadata = {
      name: `${name}-${Math.floor(due.getTime() / MINUTE)}`,
      ...(jobTemplate.metadata?.labels ? { labels: jobTemplate.metadata.labels } : {}),
      annotations: { ...jobTemplate.metadata?.annotations, [SCHEDULED_AT]: timestamp(due) },
      ownerReferences: [controllerRef(cron)],
    }
    try {
      resources.create(
        JOBS,
        namespace,
        { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: jobTemplate.spec },
        MANAGER,
      )
    } catch {
      // It is there already, or its namespace goes.
    }
  }

  const removeJob = ({ metadata }: KubeObject): void => {
    if (metadata.deletionTimestamp === undefined)
      resources.remove(JOBS, metadata.namespace, metadata.name, { propagationPolicy: 'Background' })
  }

  /** Of ended Jobs, the newest stay. */
  function forget(jobs: readonly KubeObject[]): void {
    const newestFirst = jobs.toSorted((a, b) => (a.metadata.name < b.metadata.name ? 1 : -1))
    const owner = newestFirst[0]?.metadata.ownerReferences?.find(({ controller }) => controller)
    const cron = owner && store.byUid(owner.uid)
    if (!cron) return
    const { successfulJobsHistoryLimit, failedJobsHistoryLimit } = specOf(cron)
    const ended = (type: string) => newestFirst.filter((job) => conditionOf(jobStatusOf(job), type))
    for (const job of ended('Complete').slice(successfulJobsHistoryLimit)) removeJob(job)
    for (const job of ended('Failed').slice(failedJobsHistoryLimit)) removeJob(job)
  }

  function report(cron: KubeObject): void {
    const jobs = store.dependents(cron.metadata.uid).filter(({ kind }) => kind === 'Job')
    const active = jobs.filter(isActive).map(({ apiVersion, kind, metadata: { name, namespace, uid } }) => ({
      apiVersion,
      kind,
      name,
      namespace,
      uid,
    }))
    const [last] = jobs
      .flatMap((job) => jobStatusOf(job).completionTime ?? [])
      .toSorted()
      .toReversed()
    const { active: _, ...rest } = statusOf(store.byUid(cron.metadata.uid) ?? cron)
    patchStatus(cron, {
      ...rest,
      ...(active.length > 0 ? { active } : { active: undefined }),
      ...(last === undefined ? {} : { lastSuccessfulTime: last }),
    })
  }

  function patchStatus(cron: KubeObject, change: Readonly<Record<string, unknown>>): void {
    const live = store.byUid(cron.metadata.uid)
    if (!live) return
    const merged = Object.entries({ ...statusOf(live), ...change }).filter(([, value]) => value !== undefined)
    const status = Object.fromEntries(merged)
    if (!equal(status, live['status'])) resources.write({ ...live, status })
  }

  const stop = store.onChange(({ kind, object }) => {
    if (kind === CRON_JOBS) queue.add(object.metadata.uid)
    else if (kind === JOBS)
      for (const { uid, controller } of object.metadata.ownerReferences ?? []) if (controller) queue.add(uid)
  })
  return () => {
    stop()
    queue.stop()
  }
}

const isActive = (job: KubeObject): boolean => {
  const status = jobStatusOf(job)
  return !conditionOf(status, 'Complete') && !conditionOf(status, 'Failed')
}
