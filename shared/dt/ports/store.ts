/** Services, runs and their records in the database. */
import type { LoopStore, Pending } from '../../platform/ports.ts'
import type {
  Counts,
  Manifest,
  Phase,
  Run,
  Service,
  ServiceChange,
  ServiceId,
  ServiceRunRef,
  ServiceSpec,
} from '../model.ts'

export interface NewService {
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
export interface ServicePatch {
  readonly reason?: string | null
  readonly url?: string | null
  readonly firing?: number
  readonly uid?: string
  readonly counts?: Counts
  /** Told with it, in the same transaction, in this order. */
  readonly changes?: readonly ServiceChange[]
}

export interface OutputRow extends ServiceRunRef {
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

export interface PendingServiceChange extends Pending {
  readonly change: ServiceChange
}

/** Runs that were seen anew or otherwise than they are recorded. */
export interface Recording {
  readonly runs: readonly Run[]
  readonly changes: readonly ServiceChange[]
}

export interface DtStore extends LoopStore {
  /** Resolves when the database answers a query. */
  ping(): Promise<void>

  /** Records the intent to launch a service, with its mounts, before anything is made. False when the id is taken. */
  begin(input: NewService): Promise<boolean>
  /** The resource of a launch is there. False when the launch was taken back meanwhile. */
  launched(id: ServiceId, uid: string, change: ServiceChange): Promise<boolean>
  /** Forgets a launch that Kubernetes refused: no row is left. */
  abandon(id: ServiceId): Promise<void>
  /**
   * A row for a resource that has none, or whose uid is another than the recorded one: then the service begins anew, with
   * the next number of firing. `mountFiles` null keeps the mounts that an id has already. Undefined when the row is being
   * removed or launched.
   */
  adopt(input: AdoptInput, change: ServiceChange): Promise<Service | undefined>

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
  move(id: ServiceId, from: readonly Phase[], to: Phase, patch?: ServicePatch): Promise<Service | undefined>
  /**
   * Those of `ids` that nobody has claimed and that are due, as they are now, claimed for `leaseMs`. Two callers never get the
   * same one. Each claim counts as an attempt before anything is done: until `releaseClaims` the service is due again after `leaseMs`,
   * then after twice that, and so on up to 15 minutes.
   */
  claim(ids: readonly ServiceId[], now: Date, leaseMs: number): Promise<Service[]>
  /** Gives claims back whose work ended well, or never began: attempts count from 0 again. */
  releaseClaims(ids: readonly ServiceId[]): Promise<void>
  /** Gives claims back whose work failed: their attempts stay, and they wait until they are due. */
  releaseFailedClaims(ids: readonly ServiceId[]): Promise<void>

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
  claimChanges(now: Date, leaseMs: number, limit: number, id?: ServiceId): Promise<PendingServiceChange[]>
  settleChange(seq: string): Promise<void>
  postponeChanges(id: ServiceId, dueAt: Date): Promise<void>
  dropChanges(): Promise<void>
}
