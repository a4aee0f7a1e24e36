/**
 * The runs of a service: derived from pods, Jobs and manifests (`observeRuns`), compared with the recorded ones
 * (`changedRuns`), and the differences as changes for the event sink (`runChanges`). Pure.
 */
import { lastAttempts, observeGone, observePod } from '../lifecycle.ts'
import {
  isOver,
  type Manifest,
  type Run,
  runKey,
  type Service,
  type ServiceChange,
  type ServiceRunRef,
} from '../model.ts'
import { BATCH, CONTAINER, type JobRef, parseJobName } from '../names.ts'
import type { DtPodFacts, JobFacts } from '../ports/cluster.ts'
import type { View } from './world.ts'

/** The firing of a Job. The name of an on-demand Job does not contain it. */
export const firingOf = (ref: JobRef, service: Service): number => ref.firing ?? service.firing

export const repsOf = ({ spec }: Pick<Service, 'spec'>): number => spec.reps ?? 1

/** The index of a run in the database. A fan-in comes after the replications. */
const recordedIndex = (ref: JobRef, index: number, service: Service): number =>
  ref.fanIn ? repsOf(service) + index : index

function refOfPod({ labels, annotations }: DtPodFacts, service: Service): ServiceRunRef | undefined {
  const job = parseJobName(labels[BATCH.jobName] ?? '')
  const index = Number(annotations[BATCH.index] ?? labels[BATCH.index] ?? Number.NaN)
  if (!job || !Number.isInteger(index)) return undefined
  const attempt = Number(annotations[BATCH.failures] ?? 0)
  return { firing: firingOf(job, service), index: recordedIndex(job, index, service), attempt }
}

/** The Job of a run, with its indexes as in the database. */
export function jobOf(jobs: readonly JobFacts[], service: Service, run: ServiceRunRef): JobFacts | undefined {
  const fanIn = run.index >= repsOf(service)
  const found = jobs.find(({ name }) => {
    const ref = parseJobName(name)
    return ref !== undefined && ref.fanIn === fanIn && firingOf(ref, service) === run.firing
  })
  if (!found || !fanIn) return found
  const shift = (indexes: readonly number[]) => indexes.map((index) => index + repsOf(service))
  return { ...found, completedIndexes: shift(found.completedIndexes), failedIndexes: shift(found.failedIndexes) }
}

/** Of two pods of a run: the one that is not being deleted, else the newer one. */
const preferred = (one: DtPodFacts, other: DtPodFacts): DtPodFacts =>
  one.deleting === other.deleting ? (one.createdAt < other.createdAt ? other : one) : one.deleting ? other : one

const UNOBSERVED = {
  phase: 'running',
  exitCode: 0,
  reason: null,
  startedAt: null,
  endedAt: null,
  logTail: null,
} as const

/** Runs that a Job has completed and of which no pod was ever observed. */
function unobserved(view: View, service: Service, known: ReadonlySet<string>, now: Date): Run[] {
  return view.jobs.flatMap((job) => {
    const ref = parseJobName(job.name)
    if (!ref) return []
    const firing = firingOf(ref, service)
    return job.completedIndexes.flatMap((own) => {
      const index = recordedIndex(ref, own, service)
      if (known.has(`${firing}/${index}`)) return []
      const manifest = view.manifests.findLast((one) => one.firing === firing && one.index === index)
      const attempt = manifest?.attempt ?? 0
      const run: Run = { ...UNOBSERVED, firing, index, attempt, pod: `${job.name}-${own}` }
      return [{ ...run, ...observeGone(run, undefined, manifest, now) }]
    })
  })
}

interface Seen {
  readonly ref: ServiceRunRef
  readonly pod: DtPodFacts
}

/** The pod of each run that has one, by the key of the run. */
function podsByRun(service: Service, pods: readonly DtPodFacts[]): Map<string, Seen> {
  const seen = new Map<string, Seen>()
  for (const pod of pods) {
    const ref = refOfPod(pod, service)
    if (!ref) continue
    const known = seen.get(runKey(ref))
    seen.set(runKey(ref), { ref, pod: known ? preferred(known.pod, pod) : pod })
  }
  return seen
}

function seenRun({ ref, pod }: Seen, known: Run | undefined, manifest: Manifest | undefined, now: Date): Run {
  const observed = observePod(pod, CONTAINER, manifest, now)
  const startedAt = observed.startedAt ?? known?.startedAt ?? null
  return { ...ref, pod: pod.name, ...observed, startedAt, logTail: null }
}

/** All runs of the service as they are now. A run that is over stays as it was recorded. */
export function observeRuns(service: Service, view: View, now: Date): Run[] {
  const recordedRuns = new Map(view.runs.map((run) => [runKey(run), run]))
  const manifests = new Map(view.manifests.map((manifest) => [runKey(manifest), manifest]))
  const pods = podsByRun(service, view.pods)
  const known = view.runs.map((run): Run => {
    const [key, seen] = [runKey(run), pods.get(runKey(run))]
    if (isOver(run.phase)) return run
    if (seen) return seenRun(seen, run, manifests.get(key), now)
    return { ...run, ...observeGone(run, jobOf(view.jobs, service, run), manifests.get(key), now) }
  })
  const fresh = [...pods]
    .filter(([key]) => !recordedRuns.has(key))
    .map(([key, seen]) => seenRun(seen, undefined, manifests.get(key), now))
  const runs = [...known, ...fresh]
  return [...runs, ...unobserved(view, service, new Set(runs.map(({ firing, index }) => `${firing}/${index}`)), now)]
}

const sameTime = (one: Date | null, other: Date | null): boolean => one?.getTime() === other?.getTime()

const isSame = (run: Run, before: Run | undefined): boolean =>
  before !== undefined &&
  before.phase === run.phase &&
  before.reason === run.reason &&
  before.pod === run.pod &&
  sameTime(before.startedAt, run.startedAt)

/** Runs that differ from their record. */
export function changedRuns(view: View, runs: readonly Run[]): Run[] {
  const before = new Map(view.runs.map((run) => [runKey(run), run]))
  return runs.filter((run) => !isSame(run, before.get(runKey(run))))
}

const hasBegun = ({ phase, startedAt }: Run): boolean => phase !== 'pending' && startedAt !== null

/** What happened to a run since it was recorded. */
function kindsOf(run: Run, was: Run | undefined, files: number): ServiceChange['kind'][] {
  const began = hasBegun(run) && !(was && hasBegun(was))
  const ended = isOver(run.phase) && !(was && isOver(was.phase))
  return [
    ...(began ? (['run.started'] as const) : []),
    ...(ended && files > 0 ? (['output.stored'] as const) : []),
    ...(ended ? [run.phase === 'succeeded' ? ('run.succeeded' as const) : ('run.failed' as const)] : []),
  ]
}

/** The changes to publish. Each event of a run is published once. */
export function runChanges({ id }: Service, view: View, changed: readonly Run[], now: Date): ServiceChange[] {
  const before = new Map(view.runs.map((run) => [runKey(run), run]))
  const files = new Map(view.manifests.map((manifest) => [runKey(manifest), manifest.files]))
  return changed.flatMap((run) => {
    const { firing, index, attempt, pod, exitCode, reason } = run
    const stored = files.get(runKey(run)) ?? 0
    const detail = { runId: pod, exitCode, reason, files: stored }
    return kindsOf(run, before.get(runKey(run)), stored).map((kind) => ({
      id,
      kind,
      run: { firing, index, attempt },
      detail,
      at: now,
    }))
  })
}

/** Why a run that has not started does not start. */
export const pendingReason = (runs: readonly Run[]): string | null =>
  [...lastAttempts(runs).values()].find(({ phase, reason }) => phase === 'pending' && reason !== null)?.reason ?? null
