/** From pods, Jobs and manifests to runs, and from runs as they were and are to what there is to tell. Pure. */
import { lastAttempts, type Observed, observeGone, observePod } from '../lifecycle.ts'
import { type Change, isOver, type Manifest, type Run, type RunRef, type Service } from '../model.ts'
import { BATCH, CONTAINER, type JobRef, parseJobName } from '../names.ts'
import type { JobFacts, PodFacts } from '../ports/cluster.ts'
import type { View } from './world.ts'

const keyOf = ({ firing, index, attempt }: RunRef): string => `${firing}/${index}/${attempt}`

/** The number of the firing that a Job is of: its name says it, or the service does. */
export const firingOf = (ref: JobRef, service: Service): number => ref.firing ?? service.firing

export const repsOf = ({ spec }: Pick<Service, 'spec'>): number => spec.reps ?? 1

/** An index as it stands in the record: that of a fan-in comes after the replications. */
const recorded = (ref: JobRef, index: number, service: Service): number => (ref.fanIn ? repsOf(service) + index : index)

function refOfPod({ labels, annotations }: PodFacts, service: Service): RunRef | undefined {
  const job = parseJobName(labels[BATCH.jobName] ?? '')
  const index = Number(annotations[BATCH.index] ?? labels[BATCH.index] ?? Number.NaN)
  if (!job || !Number.isInteger(index)) return undefined
  const attempt = Number(annotations[BATCH.failures] ?? 0)
  return { firing: firingOf(job, service), index: recorded(job, index, service), attempt }
}

/** The Job of a run, in the numbers of the record. */
export function jobOf(jobs: readonly JobFacts[], service: Service, run: RunRef): JobFacts | undefined {
  const fanIn = run.index >= repsOf(service)
  const found = jobs.find(({ name }) => {
    const ref = parseJobName(name)
    return ref !== undefined && ref.fanIn === fanIn && firingOf(ref, service) === run.firing
  })
  if (!found || !fanIn) return found
  const shift = (indexes: readonly number[]) => indexes.map((index) => index + repsOf(service))
  return { ...found, completedIndexes: shift(found.completedIndexes), failedIndexes: shift(found.failedIndexes) }
}

const runOf = (ref: RunRef, pod: string, { phase, exitCode, reason, startedAt, endedAt }: Observed): Run => ({
  ...ref,
  pod,
  phase,
  exitCode,
  reason,
  startedAt,
  endedAt,
  logTail: null,
})

/** Of two pods of a run the one that is not being deleted, else the later one. */
const preferred = (one: PodFacts, other: PodFacts): PodFacts =>
  one.deleting === other.deleting ? (one.createdAt < other.createdAt ? other : one) : one.deleting ? other : one

/** Indexes that a Job has completed without anybody having seen a pod of them. */
function unseen(view: View, service: Service, known: ReadonlySet<string>, now: Date): Run[] {
  return view.jobs.flatMap((job) => {
    const ref = parseJobName(job.name)
    if (!ref) return []
    const firing = firingOf(ref, service)
    return job.completedIndexes.flatMap((own) => {
      const index = recorded(ref, own, service)
      if (known.has(`${firing}/${index}`)) return []
      const manifest = view.manifests.findLast((one) => one.firing === firing && one.index === index)
      const at = { firing, index, attempt: manifest?.attempt ?? 0 }
      const run = runOf(at, `${job.name}-${own}`, {
        phase: 'running',
        exitCode: 0,
        reason: null,
        startedAt: null,
        endedAt: null,
      })
      return [{ ...run, ...observeGone(run, undefined, manifest, now) }]
    })
  })
}

interface Seen {
  readonly ref: RunRef
  readonly pod: PodFacts
}

/** The pod of each run that has one. */
function podsByRun(service: Service, pods: readonly PodFacts[]): Map<string, Seen> {
  const seen = new Map<string, Seen>()
  for (const pod of pods) {
    const ref = refOfPod(pod, service)
    if (!ref) continue
    const known = seen.get(keyOf(ref))
    seen.set(keyOf(ref), { ref, pod: known ? preferred(known.pod, pod) : pod })
  }
  return seen
}

function seenRun({ ref, pod }: Seen, known: Run | undefined, manifest: Manifest | undefined, now: Date): Run {
  const observed = observePod(pod, CONTAINER, manifest, now)
  return runOf(ref, pod.name, { ...observed, startedAt: observed.startedAt ?? known?.startedAt ?? null })
}

/** All runs of the service as they are now, those that are over as they were recorded. */
export function observeRuns(service: Service, view: View, now: Date): Run[] {
  const recordedRuns = new Map(view.runs.map((run) => [keyOf(run), run]))
  const manifests = new Map(view.manifests.map((manifest) => [keyOf(manifest), manifest]))
  const pods = podsByRun(service, view.pods)
  const known = view.runs.map((run): Run => {
    const [key, seen] = [keyOf(run), pods.get(keyOf(run))]
    if (isOver(run.phase)) return run
    if (seen) return seenRun(seen, run, manifests.get(key), now)
    return { ...run, ...observeGone(run, jobOf(view.jobs, service, run), manifests.get(key), now) }
  })
  const fresh = [...pods]
    .filter(([key]) => !recordedRuns.has(key))
    .map(([key, seen]) => seenRun(seen, undefined, manifests.get(key), now))
  const runs = [...known, ...fresh]
  return [...runs, ...unseen(view, service, new Set(runs.map(({ firing, index }) => `${firing}/${index}`)), now)]
}

const sameTime = (one: Date | null, other: Date | null): boolean => one?.getTime() === other?.getTime()

const isSame = (run: Run, before: Run | undefined): boolean =>
  before !== undefined &&
  before.phase === run.phase &&
  before.reason === run.reason &&
  before.pod === run.pod &&
  sameTime(before.startedAt, run.startedAt)

/** Runs that are to be written. */
export function changedRuns(view: View, runs: readonly Run[]): Run[] {
  const before = new Map(view.runs.map((run) => [keyOf(run), run]))
  return runs.filter((run) => !isSame(run, before.get(keyOf(run))))
}

const hasBegun = ({ phase, startedAt }: Run): boolean => phase !== 'pending' && startedAt !== null

/** What became of a run between two looks. */
function kindsOf(run: Run, was: Run | undefined, files: number): Change['kind'][] {
  const began = hasBegun(run) && !(was && hasBegun(was))
  const ended = isOver(run.phase) && !(was && isOver(was.phase))
  return [
    ...(began ? (['run.started'] as const) : []),
    ...(ended && files > 0 ? (['output.stored'] as const) : []),
    ...(ended ? [run.phase === 'succeeded' ? ('run.succeeded' as const) : ('run.failed' as const)] : []),
  ]
}

/** What there is to tell of runs that changed: each thing once. */
export function runChanges({ id }: Service, view: View, changed: readonly Run[], now: Date): Change[] {
  const before = new Map(view.runs.map((run) => [keyOf(run), run]))
  const files = new Map(view.manifests.map((manifest) => [keyOf(manifest), manifest.files]))
  return changed.flatMap((run) => {
    const { firing, index, attempt, pod, exitCode, reason } = run
    const stored = files.get(keyOf(run)) ?? 0
    const detail = { runId: pod, exitCode, reason, files: stored }
    return kindsOf(run, before.get(keyOf(run)), stored).map((kind) => ({
      id,
      kind,
      run: { firing, index, attempt },
      detail,
      at: now,
    }))
  })
}

/** Why runs that have not begun do not begin. */
export const pendingReason = (runs: readonly Run[]): string | null =>
  [...lastAttempts(runs).values()].find(({ phase, reason }) => phase === 'pending' && reason !== null)?.reason ?? null
