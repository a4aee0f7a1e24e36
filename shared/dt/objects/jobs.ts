/** Jobs, with one indexed pod per replication, and the CronJob that creates them on schedule. */
import type { Labels, ObjectOf, V1 } from '../../platform/objects.ts'
import { fanInName, firingJobName, jobName, LABEL } from '../names.ts'
import type { ServiceInput } from './input.ts'
import { owned, serviceLabels } from './metadata.ts'
import { type RunPod, runPod } from './run-pod.ts'

const runLabels = (input: ServiceInput): Labels => serviceLabels(input, 'run')

interface Shape extends RunPod {
  readonly completions: number
  readonly parallelism: number
  readonly suspend: boolean
}

/** Whether a Job waits until the loop resumes it. */
type Start = Pick<Shape, 'suspend'>

/**
 * A failed index does not end the others. A new Job has no time to live: only the Job has its outcome, so it stays until the loop
 * has recorded it.
 */
const jobSpec = (input: ServiceInput, { completions, parallelism, suspend, ...pod }: Shape): V1<'JobSpec'> => ({
  completionMode: 'Indexed',
  completions,
  parallelism,
  backoffLimitPerIndex: input.spec.retries ?? input.settings.retries,
  maxFailedIndexes: completions,
  suspend,
  template: runPod(input, pod),
})

const job = (input: ServiceInput, name: string, step: RunPod['run']['step'], spec: V1<'JobSpec'>): ObjectOf<'Job'> =>
  owned<ObjectOf<'Job'>>(input, {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, labels: { ...runLabels(input), [LABEL.step]: step } },
    spec,
  })

const replications = (input: ServiceInput, firing: number | null, { suspend }: Start) => {
  const { spec, hasInputs, settings } = input
  const completions = spec.reps ?? 1
  return jobSpec(input, {
    completions,
    parallelism: Math.min(completions, spec.parallelism ?? settings.parallelism),
    suspend,
    program: spec,
    hasInputs,
    run: { step: 'replication', firing, index: null },
  })
}

/** The runs of an on-demand service. */
export const onDemandJob = (input: ServiceInput, start: Start): ObjectOf<'Job'> =>
  job(input, jobName(input.id), 'replication', replications(input, input.firing, start))

/**
 * Kubernetes starts the firings: an outage of the loop of less than a minute loses none, and after a longer one the last is
 * started late. Times are UTC. A Job gets a time to live when its firing is recorded; the history limits bound the Jobs that
 * wait for that while the loop is down, and firings beyond them are lost.
 */
export const cronJob = (input: ServiceInput, start: Start): ObjectOf<'CronJob'> => {
  const { id, spec, settings } = input
  if (spec.schedule === null) throw new TypeError('a service without a schedule has no CronJob')
  const labels = runLabels(input)
  return owned<ObjectOf<'CronJob'>>(input, {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: { name: jobName(id), labels },
    spec: {
      schedule: spec.schedule,
      timeZone: 'Etc/UTC',
      concurrencyPolicy: spec.concurrencyPolicy ?? 'Forbid',
      startingDeadlineSeconds: 600,
      successfulJobsHistoryLimit: settings.jobBacklog,
      failedJobsHistoryLimit: settings.jobBacklog,
      jobTemplate: {
        metadata: { labels: { ...labels, [LABEL.step]: 'replication' } },
        spec: replications(input, null, start),
      },
    },
  })
}

/** The run after all others of a firing, with their outputs below `/input/outputs/<index>`. */
export const fanInJob = (input: ServiceInput, firing: number, { suspend }: Start): ObjectOf<'Job'> => {
  const { id, spec } = input
  const { fanIn } = spec
  if (!fanIn) throw new TypeError('a service without a fan-in has no Job for it')
  const name = fanInName(firingJobName(id, spec.jobType === 'scheduled' ? firing : null))
  const run = { step: 'fan-in', firing, index: spec.reps ?? 1 } as const
  const shape = { completions: 1, parallelism: 1, suspend, program: fanIn, hasInputs: true, run }
  return job(input, name, 'fan-in', jobSpec(input, shape))
}
