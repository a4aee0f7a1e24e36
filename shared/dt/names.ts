/**
 * Names and labels of a service's objects in Kubernetes, and their inverse. A Job has the name of its service, as before;
 * Services and Knative Services may not begin with a digit, so theirs begin with `dt-`.
 */
import { parseServiceId, type ServiceId } from './model.ts'

export const GROUP = 'eng.cam.ac.uk'
export const VERSION = 'v1alpha1'
export const API_VERSION = `${GROUP}/${VERSION}`
export const KIND = 'Analytics'

export const FIELD_MANAGER = 'dt-orchestrator'
/** The finalizer of the former operator, which would keep a resource for ever. */
export const OLD_FINALIZER = 'kopf.zalando.org/KopfFinalizerMarker'

export const LABEL = {
  component: 'app.kubernetes.io/component',
  service: `${GROUP}/service`,
  jobType: `${GROUP}/job-type`,
  /** On Jobs and their pods: `replication` or `fan-in`. */
  step: `${GROUP}/step`,
  /** Uid of the resource: distinguishes the objects of a former resource with the same name. */
  resource: `${GROUP}/resource`,
  /** On a resource that needs no reconciliation: see {@link isSettled}. */
  finished: `${GROUP}/finished`,
} as const

/**
 * A label travels with its object: a copy that is applied under another name has it, and so has a backup that is restored. So it
 * counts only for the resource that it names by uid, which no copy has; and of one that was refused, for the generation that was.
 */
export const finishedMark = (uid: string): string => uid
export const refusedMark = (uid: string, generation: number): string => `${uid}.${generation}`

interface Marked {
  readonly uid: string
  readonly generation: number
  readonly mark: string
}

/** True for a resource that needs no reconciliation: no sweep reads it. */
export const isSettled = ({ uid, generation, mark }: Marked): boolean =>
  mark === finishedMark(uid) || mark === refusedMark(uid, generation)

export const COMPONENT = {
  run: 'dt-run',
  server: 'dt-server',
  token: 'dt-token',
  policy: 'dt-policy',
} as const

/** Labels and annotations that Kubernetes sets on Jobs and their pods. */
export const BATCH = {
  jobName: 'batch.kubernetes.io/job-name',
  index: 'batch.kubernetes.io/job-completion-index',
  failures: 'batch.kubernetes.io/job-index-failure-count',
  scheduledAt: 'batch.kubernetes.io/cronjob-scheduled-timestamp',
} as const

export const CONTAINER = { main: 'main', inputs: 'fetch-inputs', outputs: 'upload-outputs' } as const

/** Name of the Job of an on-demand service, and of the CronJob of a scheduled one. */
export const jobName = (id: ServiceId): string => id
/** Of the Job of a firing; an on-demand service fires once, under its own name. */
export const firingJobName = (id: ServiceId, firing: number | null): string =>
  firing === null ? jobName(id) : `${id}-${firing}`
export const fanInName = (job: string): string => `${job}-fan-in`
/** Name of the Knative Service, or of Deployment and Service. */
export const serverName = (id: ServiceId): string => `dt-${id}`
/** Of the Secret with the tokens of its runs, each under the run's index. */
export const tokensName = (id: ServiceId): string => `dt-${id}-tokens`

export const STANDING_POLICY_NAME = 'dt-run-default-deny'
export const RUN_POLICY_NAME = 'dt-run'
export const SERVER_POLICY_NAME = 'dt-server'

const JOB = /^(?<id>[0-9a-f]{24})(?:-(?<firing>[0-9]{1,12}))?(?<fanIn>-fan-in)?$/

export interface JobRef {
  readonly id: ServiceId
  /** Null where the name does not say it: that of an on-demand service. */
  readonly firing: number | null
  readonly fanIn: boolean
}

/** The service a Job belongs to; undefined for names that are not ours. A CronJob names its Jobs by the minute they were due. */
export function parseJobName(name: string): JobRef | undefined {
  const groups = JOB.exec(name)?.groups
  const id = groups && parseServiceId(groups['id'] ?? '')
  if (!id) return undefined
  return {
    id,
    firing: groups['firing'] === undefined ? null : Number(groups['firing']),
    fanIn: groups['fanIn'] !== undefined,
  }
}
