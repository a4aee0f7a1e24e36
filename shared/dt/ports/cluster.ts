/** Kubernetes, as the use cases see it. */
import type { KubernetesObject } from '../../platform/ports.ts'
import type { ServiceId } from '../model.ts'

/** An `Analytics` resource as it lies in Kubernetes. Its fields are checked by the schema of its kind, and by nobody else. */
export interface Resource {
  readonly name: string
  readonly uid: string
  readonly generation: number
  readonly labels: Readonly<Record<string, string>>
  readonly finalizers: readonly string[]
  readonly createdAt: Date
  readonly deleting: boolean
  readonly spec: Readonly<Record<string, unknown>>
  readonly status: Readonly<Record<string, unknown>>
}

/** A resource that is labelled as finished, and what the label says. */
interface MarkedResource {
  readonly name: string
  readonly uid: string
  readonly generation: number
  readonly mark: string
}

export interface JobFacts {
  readonly name: string
  readonly uid: string
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: Date
  readonly deleting: boolean
  readonly suspended: boolean
  readonly completions: number
  readonly parallelism: number
  readonly active: number
  readonly succeeded: number
  readonly failed: number
  readonly completedIndexes: readonly number[]
  readonly failedIndexes: readonly number[]
  /** How long it stays when it has ended; null: until somebody says. */
  readonly ttlSeconds: number | null
  /** Its last word, and why. */
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
  /** What the program left for its readers. */
  readonly message: string
  readonly startedAt: Date | null
  readonly endedAt: Date | null
}

export interface DtPodFacts {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly phase: string
  readonly reason: string | null
  readonly message: string | null
  readonly ready: boolean
  readonly deleting: boolean
  readonly createdAt: Date
  /** When a node took it; null as long as none has. */
  readonly takenAt: Date | null
  /** Why the scheduler could not place it. */
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
  /** Null as long as it is not known. */
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
   * Makes the resource of a launch.
   * @throws Fault `refused` with the status and the words of the API; `unavailable` when it may or may not be there
   */
  create(object: KubernetesObject): Promise<{ readonly uid: string }>
  /** Server-side apply with our field manager, conflicts forced. One write. */
  apply(object: KubernetesObject): Promise<{ readonly uid: string }>
  /** All resources that are not labelled as finished, in pages of 500. */
  resources(): Promise<Resource[]>
  /** Of all that are, whatever the label says, no more than is needed to see whether it holds: metadata, in large pages. */
  marked(): Promise<MarkedResource[]>
  resource(name: string): Promise<Resource | undefined>
  /** Writes the status; false when there is no such resource. */
  patchStatus(name: string, status: Readonly<Record<string, unknown>>): Promise<boolean>
  /** Merges labels, a null taking one away, and sets finalizers, where given; false when there is no such resource. */
  patchResource(
    name: string,
    patch: { readonly labels?: Readonly<Record<string, string | null>>; readonly finalizers?: readonly string[] },
  ): Promise<boolean>
  /** Asks for a foreground deletion; false when there is none. Returns before dependents are gone. */
  removeResource(name: string): Promise<boolean>
  /** Jobs of these services; so many requests as there are hundreds of them. */
  jobs(ids: readonly ServiceId[]): Promise<JobFacts[]>
  pods(ids: readonly ServiceId[]): Promise<DtPodFacts[]>
  /** Knative Services of these services, then Deployments, among them those that Serving makes. */
  servers(ids: readonly ServiceId[]): Promise<ServerFacts[]>
  /** Of the CronJobs of these services, their labels. */
  cronJobs(ids: readonly ServiceId[]): Promise<Readonly<Record<string, string>>[]>
  /** Whether there is such an object. */
  has(kind: AppliedKind, name: string): Promise<boolean>
  /** Lets a Job go on; false when there is none. */
  resume(job: string): Promise<boolean>
  /** Lets Kubernetes remove a Job so many seconds after its end; false when there is none. */
  expire(job: string, seconds: number): Promise<boolean>
  /** Ends a Job as failed, its pods with it; false when there is none. */
  end(job: string): Promise<boolean>
  /** Asks for a foreground deletion; false when there is no such object. */
  remove(kind: AppliedKind, name: string): Promise<boolean>
  /** Last bytes of a container's log; undefined when the pod or the container has none. */
  log(pod: string, container: string, limitBytes: number): Promise<string | undefined>
}
