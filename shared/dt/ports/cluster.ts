/** Kubernetes, as the use cases see it. */
import type { KubernetesObject } from '../../platform/ports.ts'
import type { ServiceId } from '../model.ts'

interface Identity {
  readonly name: string
  readonly uid: string
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: Date
  readonly deleting: boolean
}

/** An `Analytics` resource. Only the schema of its kind has validated its fields. */
export interface Resource extends Identity {
  readonly generation: number
  readonly finalizers: readonly string[]
  readonly spec: Readonly<Record<string, unknown>>
  readonly status: Readonly<Record<string, unknown>>
}

/** A resource with the label of finished ones, and the value of the label. */
interface MarkedResource extends Pick<Resource, 'name' | 'uid' | 'generation'> {
  readonly mark: string
}

export interface JobFacts extends Identity {
  readonly suspended: boolean
  readonly completions: number
  readonly parallelism: number
  readonly active: number
  readonly succeeded: number
  readonly failed: number
  readonly completedIndexes: readonly number[]
  readonly failedIndexes: readonly number[]
  /** Time from its end to its deletion; null: it is kept. */
  readonly ttlSeconds: number | null
  /** Its outcome; null while it is active. */
  readonly ended: { readonly outcome: 'complete' | 'failed'; readonly reason: string } | null
}

export interface DtContainerFacts {
  readonly name: string
  readonly running: boolean
  readonly startedAt: Date | null
  readonly waiting: { readonly reason: string; readonly message: string } | null
  readonly terminated: Termination | null
}

export interface Termination {
  readonly reason: string
  readonly exitCode: number
  /** The termination message of the program. */
  readonly message: string
  readonly startedAt: Date | null
  readonly endedAt: Date | null
}

export interface DtPodFacts extends Omit<Identity, 'uid'> {
  readonly annotations: Readonly<Record<string, string>>
  readonly phase: string
  readonly reason: string | null
  readonly message: string | null
  readonly ready: boolean
  /** When the kubelet accepted it; null before that. */
  readonly takenAt: Date | null
  /** Why the scheduler found no node for it. */
  readonly unschedulable: string | null
  /** Main containers. */
  readonly containers: readonly DtContainerFacts[]
  /** Init containers and native sidecars. */
  readonly initContainers: readonly DtContainerFacts[]
}

/** A Knative Service or a Deployment. */
export interface ServerFacts {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Null while it is unknown. */
  readonly ready: boolean | null
  readonly reason: string | null
  readonly url: string | null
}

/** Kinds that are applied for a service. */
export const APPLIED_KINDS = [
  'Secret',
  'Job',
  'CronJob',
  'KnativeService',
  'Deployment',
  'Service',
  'NetworkPolicy',
] as const
export type AppliedKind = (typeof APPLIED_KINDS)[number]

export interface DtCluster {
  readonly namespace: string
  /**
   * Creates the resource of a launch.
   * @throws Fault `refused` with the status and message of the API; `unavailable` when it is unknown whether it exists
   */
  create(object: KubernetesObject): Promise<{ readonly uid: string }>
  /** Server-side apply with our field manager, conflicts forced. One write. */
  apply(object: KubernetesObject): Promise<{ readonly uid: string }>
  /** All resources that are not labelled as finished, in pages of 500. */
  resources(): Promise<Resource[]>
  /** The metadata of all that are, in large pages: enough to check whether the label is valid. */
  marked(): Promise<MarkedResource[]>
  resource(name: string): Promise<Resource | undefined>
  /** Writes the status; false when there is no such resource. */
  patchStatus(name: string, status: Readonly<Record<string, unknown>>): Promise<boolean>
  /** Merges labels, where null removes one, and sets finalizers; false when there is no such resource. */
  patchResource(
    name: string,
    patch: { readonly labels?: Readonly<Record<string, string | null>>; readonly finalizers?: readonly string[] },
  ): Promise<boolean>
  /** Requests a foreground deletion; false when there is none. Resolves before dependents are deleted. */
  removeResource(name: string): Promise<boolean>
  /** Jobs of these services; one request for each hundred services. */
  jobs(ids: readonly ServiceId[]): Promise<JobFacts[]>
  pods(ids: readonly ServiceId[]): Promise<DtPodFacts[]>
  /** Knative Services of these services, then Deployments, including those that Serving makes. */
  servers(ids: readonly ServiceId[]): Promise<ServerFacts[]>
  /** The labels of the CronJobs of these services. */
  cronJobs(ids: readonly ServiceId[]): Promise<Readonly<Record<string, string>>[]>
  /** Whether there is such an object. */
  has(kind: AppliedKind, name: string): Promise<boolean>
  /** Resumes a suspended Job; false when there is none. */
  resume(job: string): Promise<boolean>
  /** Sets the time to live of a Job after its end; false when there is none. */
  expire(job: string, seconds: number): Promise<boolean>
  /** Ends a Job and its pods as failed; false when there is none. */
  end(job: string): Promise<boolean>
  /** Requests a foreground deletion; false when there is no such object. */
  remove(kind: AppliedKind, name: string): Promise<boolean>
  /** The last bytes of a container's log; undefined when the pod or the container has none. */
  log(pod: string, container: string, limitBytes: number): Promise<string | undefined>
}
