/**
 * What the use cases of DT need from the world, and what each adapter owes them. Every adapter, sandbox part and fake
 * passes the conformance suite of its port (`test/conformance/`).
 *
 * All calls have a deadline of their own and fail with a `Fault` (`shared/platform/fault.ts`): `unavailable` when the other side
 * is away or slow, `refused` when it says no. No call retries on its own unless its comment says so.
 */

import type { KubernetesObject, Log, LoopStore, Pending, Sink } from '../platform/ports.ts'
import type { Change, Counts, Manifest, Phase, Run, RunRef, Service, ServiceId, ServiceSpec } from './model.ts'
import type { DtSettings } from './settings.ts'

// ---------------------------------------------------------------------------------------------------- Store

export interface BeginInput {
  readonly id: ServiceId
  readonly spec: ServiceSpec
  readonly labels: Readonly<Record<string, string>>
  /** How long the launch may take; until then nobody else takes it back. */
  readonly leaseMs: number
}

/** A resource that no row is about, or about whose namesake one is. */
export interface AdoptInput {
  readonly id: ServiceId
  readonly uid: string
  readonly spec: ServiceSpec
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: Date
}

/** What is written of a service with a move to another phase; what is left out stays. */
export interface Patch {
  readonly reason?: string | null
  readonly url?: string | null
  readonly firing?: number
  readonly uid?: string
  readonly counts?: Counts
  /** Told with it, in the same transaction, in this order. */
  readonly changes?: readonly Change[]
}

export interface OutputRow extends RunRef {
  readonly seq: number
  readonly path: string
  readonly fileId: string
  readonly filename: string
}

/** A row of the list: a service, its mounts and its outputs. */
export interface Listed {
  readonly service: Service
  /** File id → name. */
  readonly mounts: Readonly<Record<string, string>>
  /** File id → name, in the order of `seq`; those whose file was deleted are left out. */
  readonly outputs: Readonly<Record<string, string>>
}

export interface PendingChange extends Pending {
  readonly change: Change
}

/** Runs that were seen anew or otherwise than they are recorded. */
export interface Recording {
  readonly runs: readonly Run[]
  readonly changes: readonly Change[]
}

export interface Store extends LoopStore {
  /** Resolves when the database answers a query. */
  ping(): Promise<void>

  /** Records the intent to launch a service, with its mounts, before anything is made. False when the id is taken. */
  begin(input: BeginInput): Promise<boolean>
  /** The resource of a launch is there. False when the launch was taken back meanwhile. */
  launched(id: ServiceId, uid: string, change: Change): Promise<boolean>
  /** Forgets a launch that Kubernetes refused: no row is left. */
  abandon(id: ServiceId): Promise<void>
  /**
   * A row for a resource that has none, or whose uid is another than the recorded one: then the service begins anew, with
   * the next number of firing. `mountFiles` null keeps the mounts that an id has already. Undefined when the row is being
   * removed or launched.
   */
  adopt(input: AdoptInput, change: Change): Promise<Service | undefined>

  find(id: ServiceId): Promise<Service | undefined>
  /**
   * What callers see, oldest first; no service that is being removed. One query for rows, whatever `limit` is, and the very
   * same list for as long as nothing has changed.
   */
  list(skip: number, limit: number): Promise<Listed[]>
  listed(id: ServiceId): Promise<Listed | undefined>
  /** Live services, launches whose lease is over, and what is to be removed; oldest first. Ended ones cost nothing. */
  unfinished(now: Date): Promise<Service[]>
  findMany(ids: readonly ServiceId[]): Promise<Service[]>
  /** Moves a service when it is in one of `from`; undefined when it is not, or not there. */
  move(id: ServiceId, from: readonly Phase[], to: Phase, patch?: Patch): Promise<Service | undefined>
  /**
   * Those of `ids` that nobody has claimed and that are due, as they are now, claimed for `leaseMs`. Two callers never get the
   * same one. Each claim counts as an attempt before anything is done: until `unclaim` the service is due again after `leaseMs`,
   * then after twice that, and so on up to 15 minutes.
   */
  claim(ids: readonly ServiceId[], now: Date, leaseMs: number): Promise<Service[]>
  /** Gives claims back whose work ended well, or never began: attempts count from 0 again. */
  unclaim(ids: readonly ServiceId[]): Promise<void>
  /** Gives claims back whose work failed: their attempts stay, and they wait until they are due. */
  unclaimFailed(ids: readonly ServiceId[]): Promise<void>

  /**
   * The last {@link SHOWN_RUNS} runs of a service, by firing, index and attempt; with what the latest of them wrote last, up to
   * {@link SHOWN_TAIL_BYTES} in all.
   */
  runs(id: ServiceId): Promise<Run[]>
  /** Those that count for the present resources of these services, without what they wrote last. */
  runsOf(ids: readonly ServiceId[]): Promise<Map<ServiceId, Run[]>>
  /**
   * Writes runs as they are now; one that is over stays as it is. Changes are told in the same transaction. Nothing is
   * written or told of a service that is being removed.
   */
  recordRuns(id: ServiceId, recording: Recording): Promise<void>
  /** Forgets all but the last `keep` firings: runs, sets and outputs whose places nobody can name any more. */
  pruneFirings(id: ServiceId, keep: number): Promise<void>

  /** What the current runs of these services said of their outputs. */
  manifests(ids: readonly ServiceId[]): Promise<Map<ServiceId, Manifest[]>>
  outputs(id: ServiceId): Promise<OutputRow[]>

  /** Ended services of which the last `days` days are over, oldest first. */
  expired(now: Date, days: number, limit: number): Promise<ServiceId[]>
  /** Removes the row of a service in phase `removing` with all that hangs below it; its output files as well, or not. */
  erase(id: ServiceId, outputs: 'delete' | 'keep'): Promise<void>

  /** The oldest change of each service that is due and not told yet, claimed for `leaseMs`. */
  claimChanges(now: Date, leaseMs: number, limit: number, id?: ServiceId): Promise<PendingChange[]>
  settleChange(seq: string): Promise<void>
  postponeChanges(id: ServiceId, dueAt: Date): Promise<void>
  dropChanges(): Promise<void>
}

// -------------------------------------------------------------------------------------------------- Cluster

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
export interface MarkedResource {
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

export interface ContainerFacts {
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

export interface PodFacts {
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
  readonly containers: readonly ContainerFacts[]
  /** Init containers and native sidecars. */
  readonly initContainers: readonly ContainerFacts[]
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

export interface Cluster {
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
  pods(ids: readonly ServiceId[]): Promise<PodFacts[]>
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

// -------------------------------------------------------------------------------------------------- the rest

/** What the token of a run is for. */
export interface RunGrant {
  readonly serviceId: ServiceId
  /** Of its resource. */
  readonly uid: string
  readonly step: 'replication' | 'fan-in'
  /** Null: each firing, where one template makes the pods of all. */
  readonly firing: number | null
  readonly index: number
  /** Attempts after the first. */
  readonly retries: number
}

/** Everything a use case may ask for; each takes only what it names. */
export interface Ports {
  readonly store: Store
  readonly cluster: Cluster
  /** Null when no sink is configured. */
  readonly sink: Sink | null
  /** The token by which the programs beside a run fetch inputs and send outputs; the same at each call. */
  readonly tokenOf: (grant: RunGrant) => string
  readonly newId: () => ServiceId
  /** Clears away bytes that nobody has any more. */
  readonly tidy: () => Promise<void>
  readonly log: Log
  readonly now: () => Date
  readonly random: () => number
  readonly settings: DtSettings
}
