/** Services, runs and their records in the database. */
import type { LoopStore, Pending } from '../../platform/ports.ts'
import type { Manifest, Phase, Run, Service, ServiceChange, ServiceId, ServiceRunRef } from '../model.ts'

export interface NewService extends Pick<Service, 'id' | 'spec' | 'labels'> {
  /** How long the launch may take; until then the loop leaves it alone. */
  readonly leaseMs: number
}

/** A resource without a row, or one recreated under an older row's name. */
export interface AdoptInput extends Pick<Service, 'id' | 'spec' | 'labels' | 'createdAt'> {
  readonly uid: string
}

/** Fields that change with a move to another phase; an omitted one stays unchanged. */
export interface ServicePatch extends Partial<Pick<Service, 'reason' | 'url' | 'firing' | 'counts'>> {
  readonly uid?: string
  /** Recorded in the same transaction, in this order. */
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

/** Runs that are new or differ from their record. */
export interface Recording {
  readonly runs: readonly Run[]
  readonly changes: readonly ServiceChange[]
}

export interface DtStore extends LoopStore {
  /** Resolves when the database answers a query. */
  ping(): Promise<void>

  /** Records the intent to launch a service, with its mounts, before anything is created. False when the id is taken. */
  begin(input: NewService): Promise<boolean>
  /** Records that the resource of a launch exists. False when the launch was removed meanwhile. */
  launched(id: ServiceId, uid: string, change: ServiceChange): Promise<boolean>
  /** Deletes the row of a launch that Kubernetes refused. */
  abandon(id: ServiceId): Promise<void>
  /**
   * Makes a row for a resource, or resets one with another uid: then the service starts again, with the next number of
   * firing. `mountFiles` null keeps the existing mounts of the id. Undefined when the row is being removed or launched.
   */
  adopt(input: AdoptInput, change: ServiceChange): Promise<Service | undefined>

  find(id: ServiceId): Promise<Service | undefined>
  /**
   * What callers see, oldest first; no service that is being removed. One query for all rows, and the same object while
   * nothing has changed.
   */
  list(skip: number, limit: number): Promise<Listed[]>
  listed(id: ServiceId): Promise<Listed | undefined>
  /** Live services, launches whose lease has expired, and services to remove; oldest first. Ended ones cost nothing. */
  unfinished(now: Date): Promise<Service[]>
  findMany(ids: readonly ServiceId[]): Promise<Service[]>
  /** Moves a service from one of the phases `from`; undefined when there is none in these phases. */
  move(id: ServiceId, from: readonly Phase[], to: Phase, patch?: ServicePatch): Promise<Service | undefined>
  /**
   * Claims those of `ids` that are unclaimed and due for `leaseMs`, and resolves to them. Two callers never get the same one.
   * Each claim counts as an attempt: until `releaseClaims` the service is due again after `leaseMs`, then after twice that,
   * and so on up to 15 minutes.
   */
  claim(ids: readonly ServiceId[], now: Date, leaseMs: number): Promise<Service[]>
  /** Releases claims whose work succeeded or never began: attempts count from 0 again. */
  releaseClaims(ids: readonly ServiceId[]): Promise<void>
  /** Releases claims whose work failed: their attempts stay, and they wait until they are due. */
  releaseFailedClaims(ids: readonly ServiceId[]): Promise<void>

  /**
   * The last {@link SHOWN_RUNS} runs of a service, by firing, index and attempt; the latest with their logs, up to
   * {@link SHOWN_TAIL_BYTES} in all.
   */
  runs(id: ServiceId): Promise<Run[]>
  /** The runs of the present resources of these services, without logs. */
  runsOf(ids: readonly ServiceId[]): Promise<Map<ServiceId, Run[]>>
  /**
   * Writes runs and changes in one transaction; a recorded run that is over stays unchanged. Writes nothing about a service
   * that is being removed.
   */
  recordRuns(id: ServiceId, recording: Recording): Promise<void>
  /** Deletes runs, sets and outputs of all but the last `keep` firings. */
  pruneFirings(id: ServiceId, keep: number): Promise<void>

  /** The manifests of the current runs of these services. */
  manifests(ids: readonly ServiceId[]): Promise<Map<ServiceId, Manifest[]>>
  outputs(id: ServiceId): Promise<OutputRow[]>

  /** Ended services whose retention, by default `days`, is over, oldest first. */
  expired(now: Date, days: number, limit: number): Promise<ServiceId[]>
  /** Deletes the row of a service in phase `removing` with everything below it; its output files as `outputs` says. */
  erase(id: ServiceId, outputs: 'delete' | 'keep'): Promise<void>

  /** Claims the oldest unpublished change of each service for `leaseMs`, if it is due. */
  claimChanges(now: Date, leaseMs: number, limit: number, id?: ServiceId): Promise<PendingServiceChange[]>
  settleChange(seq: string): Promise<void>
  postponeChanges(id: ServiceId, dueAt: Date): Promise<void>
  dropChanges(): Promise<void>
}
