/**
 * The words of the digital-twin contract. Everything else in `shared/dt` is said in them.
 *
 * - A **service** is what an `Analytics` resource asks for. The resource says what is to be done, its row what became of it.
 * - A **firing** is one Job of a service: number 0 of an on-demand service, one per due time of a scheduled one.
 * - A **run** is one pod of a firing, known by its index (replication) and its attempt. `RUN_ID` is the name of its pod.
 * - The **fan-in** of a firing is a run after all others, which has their outputs as its inputs.
 * - A **change** is something that became of a service; with an event sink each is told as a CloudEvent.
 *
 * Owns: vocabularies and branded ids. May import nothing.
 */

declare const brand: unique symbol
type Branded<T, Name extends string> = T & { readonly [brand]: Name }

/** 24 hexadecimal digits in small letters; the name of the resource. */
export type ServiceId = Branded<string, 'ServiceId'>

export const SERVICE_ID = /^[0-9a-f]{24}$/

/** The id that a text is, in whatever letters; undefined for any other text. */
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

/** What a resource asks for; absent and null are one. */
export interface ServiceSpec {
  /** With its tag or digest. */
  readonly image: string
  readonly description: string
  readonly displayName: string | null
  readonly jobType: JobType
  readonly port: number | null
  readonly reps: number | null
  readonly schedule: string | null
  /** In the order given. */
  readonly env: Readonly<Record<string, string>>
  /** File id → name below `/input`; null: not said, so what a row of this id says counts. */
  readonly mountFiles: Readonly<Record<string, string>> | null
  readonly parallelism: number | null
  /** Further attempts of a run that failed. */
  readonly retries: number | null
  readonly fanIn: FanIn | null
  readonly concurrencyPolicy: ConcurrencyPolicy | null
  /** Firings that are kept. */
  readonly historyLimit: number | null
  /** Days after its end at which the service is removed. */
  readonly retentionDays: number | null
}

/** What the row of a service says. */
export const PHASES = [
  'launching', // the row is there, its resource is being made
  'pending', // its objects are to be made
  'queued', // its Job waits for room among the runs of all services
  'running', // its Job runs
  'scheduled', // between firings
  'serving', // reachable by URL, be it that its pods are made when it is asked
  'succeeded', // all runs did
  'failed', // it cannot go on; `reason` says why
  'terminated', // its resource was deleted by others
  'removing', // terminated by a caller: nobody is told of it any more, what it had is cleared away
] as const
export type Phase = (typeof PHASES)[number]

/** Phases in which something may happen still. */
export const LIVE_PHASES = ['pending', 'queued', 'running', 'scheduled', 'serving'] as const satisfies readonly Phase[]
export const ENDED_PHASES = ['succeeded', 'failed', 'terminated'] as const satisfies readonly Phase[]
export const isLive = (phase: Phase): boolean => (LIVE_PHASES as readonly Phase[]).includes(phase)
export const isEnded = (phase: Phase): boolean => (ENDED_PHASES as readonly Phase[]).includes(phase)

/** The words the API has for the state of a service. */
export const STATUS_WORDS = ['ok', 'running', 'error'] as const
export type ServiceStatusWord = (typeof STATUS_WORDS)[number]

export interface Counts {
  readonly active: number
  readonly succeeded: number
  readonly failed: number
}

/** A service as it is recorded. */
export interface Service {
  readonly id: ServiceId
  readonly spec: ServiceSpec
  /** Labels that the caller gave it. */
  readonly labels: Readonly<Record<string, string>>
  /** Of its resource; null until it is known. A resource of that name with another one is another launch. */
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
  /** Until when somebody works on it. */
  readonly claimedUntil: Date | null
  /** Looks that were begun since one ended well; 0 unless the last one failed, or ended its process. */
  readonly attempts: number
}

export const RUN_PHASES = [
  'pending', // its pod is being prepared
  'running',
  'finishing', // its process has ended, its outputs are under way
  'succeeded',
  'failed',
] as const
export type RunPhase = (typeof RUN_PHASES)[number]
export const isOver = (phase: RunPhase): phase is 'succeeded' | 'failed' => phase === 'succeeded' || phase === 'failed'

/** Which run of a service. The fan-in has the index after the last replication. */
export interface ServiceRunRef {
  readonly firing: number
  readonly index: number
  readonly attempt: number
}

export interface Run extends ServiceRunRef {
  /** Name of its pod, its `RUN_ID`. */
  readonly pod: string
  readonly phase: RunPhase
  readonly exitCode: number | null
  readonly reason: string | null
  readonly startedAt: Date | null
  readonly endedAt: Date | null
  /** The last lines it wrote, kept when it ended. */
  readonly logTail: string | null
}

/** What a run said of its outputs. */
const MANIFEST_STATES = ['open', 'complete', 'incomplete'] as const
export type ManifestState = (typeof MANIFEST_STATES)[number]

export interface Manifest extends ServiceRunRef {
  readonly state: ManifestState
  readonly reason: string | null
  readonly files: number
}

export const CHANGES = [
  'launched',
  'run.started',
  'run.succeeded',
  'run.failed',
  'output.stored',
  'completed',
  'terminated',
] as const
export type ChangeKind = (typeof CHANGES)[number]

export interface ServiceChange {
  readonly id: ServiceId
  readonly kind: ChangeKind
  /** Null for what is about the whole service. */
  readonly run: ServiceRunRef | null
  readonly detail: Readonly<Record<string, unknown>>
  readonly at: Date
}

/** Bytes of a run's log that are kept. */
export const LOG_TAIL_BYTES = 16 * 1024
/** Runs of one service that an answer holds, and bytes of what they wrote last: those of the latest. */
export const SHOWN_RUNS = 1000
export const SHOWN_TAIL_BYTES = 4 * 1024 * 1024
/** A call that was given up may still take effect for so long. */
export const LATE_MS = 15_000
