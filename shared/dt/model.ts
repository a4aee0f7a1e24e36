/**
 * The vocabulary of the digital-twin orchestrator.
 *
 * - A **service** is what an `Analytics` resource requests. The resource is its spec, its row the observed state.
 * - A **firing** is one Job of a service: number 0 of an on-demand service, one per due time of a scheduled one.
 * - A **run** is one pod of a firing, identified by its index (replication) and its attempt. `RUN_ID` is the name of its pod.
 * - The **fan-in** of a firing is a run after all others, which has their outputs as its inputs.
 * - A **change** is an event in the life of a service; with an event sink, each is published as a CloudEvent.
 *
 * Owns: vocabularies and branded ids. May import nothing.
 */

declare const brand: unique symbol
type Branded<T, Name extends string> = T & { readonly [brand]: Name }

/** 24 lower-case hexadecimal digits; the name of the resource. */
export type ServiceId = Branded<string, 'ServiceId'>

export const SERVICE_ID = /^[0-9a-f]{24}$/

/** Parses an id in upper or lower case. */
export function parseServiceId(text: string): ServiceId | undefined {
  const id = text.toLowerCase()
  return SERVICE_ID.test(id) ? (id as ServiceId) : undefined
}

export const JOB_TYPES = ['persistent', 'ondemand', 'scheduled'] as const
export type JobType = (typeof JOB_TYPES)[number]

export const CONCURRENCY_POLICIES = ['Allow', 'Forbid', 'Replace'] as const
type ConcurrencyPolicy = (typeof CONCURRENCY_POLICIES)[number]

/** A step after all runs of a firing. */
export interface FanIn {
  readonly image: string
  readonly env: Readonly<Record<string, string>>
}

/** The spec of a resource; absent and null are the same. */
export interface ServiceSpec {
  /** With tag or digest. */
  readonly image: string
  readonly description: string
  readonly displayName: string | null
  readonly jobType: JobType
  readonly port: number | null
  readonly reps: number | null
  readonly schedule: string | null
  /** In the order given. */
  readonly env: Readonly<Record<string, string>>
  /** File id → name below `/input`; null: unspecified, so the mounts of an existing row are kept. */
  readonly mountFiles: Readonly<Record<string, string>> | null
  readonly parallelism: number | null
  /** Further attempts of a run that failed. */
  readonly retries: number | null
  readonly fanIn: FanIn | null
  readonly concurrencyPolicy: ConcurrencyPolicy | null
  /** Number of firings that are kept. */
  readonly historyLimit: number | null
  /** Days from its end to its removal. */
  readonly retentionDays: number | null
}

export const PHASES = [
  'launching', // the row exists, its resource is being created
  'pending', // its objects are not created yet
  'queued', // its Job is suspended until the limit of runs has room
  'running', // its Job runs
  'scheduled', // between firings
  'serving', // reachable by URL, perhaps scaled to zero
  'succeeded', // all runs succeeded
  'failed', // permanently; `reason` says why
  'terminated', // its resource was deleted by others
  'removing', // terminated by a caller: hidden from the API, its objects and rows are being deleted
] as const
export type Phase = (typeof PHASES)[number]

/** Phases of services that the loop reconciles. */
export const LIVE_PHASES = ['pending', 'queued', 'running', 'scheduled', 'serving'] as const satisfies readonly Phase[]
export const ENDED_PHASES = ['succeeded', 'failed', 'terminated'] as const satisfies readonly Phase[]
export const isLive = (phase: Phase): boolean => (LIVE_PHASES as readonly Phase[]).includes(phase)
export const isEnded = (phase: Phase): boolean => (ENDED_PHASES as readonly Phase[]).includes(phase)

/** Statuses of a service in the API. */
export const STATUS_WORDS = ['ok', 'running', 'error'] as const
export type ServiceStatusWord = (typeof STATUS_WORDS)[number]

export interface Counts {
  readonly active: number
  readonly succeeded: number
  readonly failed: number
}

/** The row of a service. */
export interface Service {
  readonly id: ServiceId
  readonly spec: ServiceSpec
  /** Labels from the caller. */
  readonly labels: Readonly<Record<string, string>>
  /** Of its resource; null until it is known. A resource of this name with another uid is another launch. */
  readonly uid: string | null
  readonly phase: Phase
  readonly reason: string | null
  readonly counts: Counts
  /** Where a persistent service is reached. */
  readonly url: string | null
  /** The current firing of an on-demand service, the last one of a scheduled one; −1 before the first. */
  readonly firing: number
  readonly createdAt: Date
  readonly endedAt: Date | null
  /** End of the lease of a claim. */
  readonly claimedUntil: Date | null
  /** Reconciliations since one succeeded; 0 unless the last one failed or killed its process. */
  readonly attempts: number
}

export const RUN_PHASES = [
  'pending', // its pod is being prepared
  'running',
  'finishing', // its process has ended, its outputs are being stored
  'succeeded',
  'failed',
] as const
export type RunPhase = (typeof RUN_PHASES)[number]
export const isOver = (phase: RunPhase): phase is 'succeeded' | 'failed' => phase === 'succeeded' || phase === 'failed'

/** Identifies a run of a service. The fan-in has the index after the last replication. */
export interface ServiceRunRef {
  readonly firing: number
  readonly index: number
  readonly attempt: number
}

export const runKey = ({ firing, index, attempt }: ServiceRunRef): string => `${firing}/${index}/${attempt}`

export interface Run extends ServiceRunRef {
  /** Name of its pod, its `RUN_ID`. */
  readonly pod: string
  readonly phase: RunPhase
  readonly exitCode: number | null
  readonly reason: string | null
  readonly startedAt: Date | null
  readonly endedAt: Date | null
  /** The end of its log, stored when it ended. */
  readonly logTail: string | null
}

export type ManifestState = 'open' | 'complete' | 'incomplete'

/** What a run reported about its outputs. */
export interface Manifest extends ServiceRunRef {
  readonly state: ManifestState
  readonly reason: string | null
  readonly files: number
}

export type ChangeKind =
  | 'launched'
  | 'run.started'
  | 'run.succeeded'
  | 'run.failed'
  | 'output.stored'
  | 'completed'
  | 'terminated'

export interface ServiceChange {
  readonly id: ServiceId
  readonly kind: ChangeKind
  /** Null for changes of the whole service. */
  readonly run: ServiceRunRef | null
  readonly detail: Readonly<Record<string, unknown>>
  readonly at: Date
}

/** Bytes of a run's log that are stored. */
export const LOG_TAIL_BYTES = 16 * 1024
/** Limits of an answer about one service: the latest runs, and bytes of their logs. */
export const SHOWN_RUNS = 1000
export const SHOWN_TAIL_BYTES = 4 * 1024 * 1024
/** Time for which a call may still take effect after its deadline. */
export const LATE_MS = 15_000
