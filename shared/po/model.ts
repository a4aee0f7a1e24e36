/**
 * The terms of PO.
 *
 * - An **analysis** has an id given by its caller. Each *create* of it is an **incarnation** with a `key`. An id can have many
 *   incarnations one after the other; at most one of them is current.
 * - A **run** is one attempt of an incarnation, with a number that never repeats for the id. `analysis-{id}-{n}` names its
 *   Deployment, Service and container.
 * - The **root** of an incarnation is a ConfigMap that owns all its other Kubernetes objects.
 * - A **removal** is the durable intent to delete an incarnation's objects, Keycloak client and subscriptions.
 * - A **report** is a status or a log line for the Hub, delivered in order per analysis.
 * - A **change** is a transition of an incarnation to another state. If an event sink is configured, it is published as a
 *   CloudEvent.
 * - A **slot** is one interval of the status loop.
 *
 * Owns: vocabularies and branded ids. May import nothing.
 */

declare const brand: unique symbol
type Branded<T, Name extends string> = T & { readonly [brand]: Name }

/** A canonical (lower-case, dashed) UUID of any version. */
export type AnalysisId = Branded<string, 'AnalysisId'>
/** Number of a run: 1, 2, 3 …; never repeats for an analysis id. */
export type RunNumber = Branded<number, 'RunNumber'>
export type AnalysisKey = Branded<string, 'AnalysisKey'>

const UUID = /^(?:[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/i

export const isUuid = (text: string): boolean => UUID.test(text)

/** The canonical spelling of a UUID; undefined for any other text. */
export function parseAnalysisId(text: string): AnalysisId | undefined {
  if (!isUuid(text)) return undefined
  const hex = text.replaceAll('-', '').toLowerCase()
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
  return parts.join('-') as AnalysisId
}

/** The Hub accepts only version 4; reports of other ids are refused and not retried. */
export const isVersion4 = (id: AnalysisId): boolean => /^.{14}4.{4}[89ab]/.test(id)

export const STATES = [
  'starting', // recorded; its Kubernetes objects are being created
  'started', // all objects are applied; the analysis has not answered yet
  'executing', // the analysis answered that it executes
  'restarting', // a run was removed; the next one waits for its due time
  'stopping', // a caller ended it; its objects are being removed
  'executed', // it finished
  'stopped', // a caller or a partner ended it
  'failed', // it ended with an error; `cause` says why
] as const
export type State = (typeof STATES)[number]

export const LIVE_STATES = ['starting', 'started', 'executing', 'restarting'] as const satisfies readonly State[]
type LiveState = (typeof LIVE_STATES)[number]
export const isLive = (state: State): state is LiveState => (LIVE_STATES as readonly State[]).includes(state)

export const OUTCOMES = ['executed', 'stopped', 'failed'] as const satisfies readonly State[]
export type Outcome = (typeof OUTCOMES)[number]

/** Levels of a log line, as in the SDK and the Hub. */
export const LOG_LEVELS = ['emerg', 'alert', 'crit', 'error', 'warn', 'notice', 'info', 'debug'] as const
export type LineLevel = (typeof LOG_LEVELS)[number]

/** The Hub's statuses of an analysis on a node. */
export const HUB_STATUSES = ['starting', 'started', 'stopping', 'stopped', 'executing', 'executed', 'failed'] as const
export type HubStatus = (typeof HUB_STATUSES)[number]

export const STATUS_WORDS = [
  'starting',
  'started',
  'stopping',
  'stopped',
  'executing',
  'executed',
  'stuck',
  'failed',
] as const
export type StatusWord = (typeof STATUS_WORDS)[number]

/** `kong_token` of analyses that read no data, such as aggregators. */
export const NO_KONG_TOKEN = 'none_needed'

/** `dueAt` of an incarnation whose takeover is not complete: no sweep claims it. */
export const UNFINISHED = new Date('9999-12-31T00:00:00Z')

/** What a create request specifies, without its secrets. */
export interface AnalysisSpec {
  readonly id: AnalysisId
  /** The caller's spelling of the id, which answers use as key. */
  readonly spelling: string
  readonly projectId: string
  readonly image: string
  /** Host (and port) of the registry, lower case, no scheme, no path. */
  readonly registryHost: string
  readonly needsKong: boolean
}

/** Why a run ended or cannot start. What follows from each is in `run-faults.ts`. */
export const RUN_FAULTS = [
  'imagePull',
  'imageName',
  'isolation',
  'configuration',
  'outOfMemory',
  'exit',
  'reported',
  'evicted',
  'token',
  'partner',
  'connection',
  'silent',
] as const
export type RunFault = (typeof RUN_FAULTS)[number]

/** What was known of a run when a fault was acted on. */
export interface RunEvidence {
  readonly run: RunNumber
  readonly fault: RunFault
  /** When it was acted on, in ISO 8601. */
  readonly at: string
  /** In words. */
  readonly cause: string
  /** Of its container; null if it had not ended. */
  readonly exitCode: number | null
  /** Last lines of the container's output; none if it could not be read. */
  readonly lastLines: readonly string[]
  /** Memory limit of the container, as a quantity; empty without one. */
  readonly memoryLimit: string
}

export interface Analysis extends AnalysisSpec {
  readonly key: AnalysisKey
  readonly state: State
  /** 0..100; never decreases within an incarnation. */
  readonly progress: number
  /** Why it is in this state, for researchers. */
  readonly cause: string | null
  /** First run of this incarnation; the name of the root has this number. */
  readonly firstRun: RunNumber
  readonly run: RunNumber
  /** Restarts used since the create. */
  readonly restarts: number
  readonly since: Date
  readonly runSince: Date
  /** Earliest time of the next step (back-off of a restart). */
  readonly dueAt: Date
  /** End of the lease of a reconciliation or of the creation. */
  readonly claimedUntil: Date | null
  /** Polls that failed in a row, and since when. */
  readonly silentPolls: number
  readonly silentSince: Date | null
  /** The objects of the current run were deleted by others and applied again. */
  readonly reapplied: boolean
  /** Reconciliations that began since the last one that ended. More than one means that a process died during it. */
  readonly unfinished: number
  /** The last fault that was acted on in this incarnation. */
  readonly lastFault: RunEvidence | null
  /** The last known statuses of its partners. The analysis gets them while the Hub does not answer. */
  readonly partners: PartnerStatuses
  readonly createdAt: Date
}

/** Statuses by analysis node; null for a partner without one. */
export type PartnerStatuses = Readonly<Record<string, HubStatus | null>>

export interface RegistryLogin {
  readonly user: string
  readonly password: string
}

/** Secrets for the container and the kubelet. The database never stores them. */
export interface AnalysisSecrets {
  readonly login: RegistryLogin | null
  readonly kongToken: string
}

/** A log line, written by an analysis or by the orchestrator about it. */
export interface LogLine {
  readonly level: LineLevel
  readonly message: string
  /** The status according to its writer: free text from the SDK. */
  readonly status: string
  readonly progress: number
}

/** Log of one container, saved before its pod was removed. */
export interface LogSnapshot {
  readonly run: RunNumber
  readonly kind: 'analysis' | 'nginx'
  readonly container: string
  readonly text: string
  /** Bytes before the text that are not stored. */
  readonly leftOut: number
}

/** Limits of the stored log lines; beyond them the oldest lines are deleted. */
export interface LineLimits {
  readonly runLines: number
  readonly runBytes: number
  readonly analysisLines: number
  readonly analysisBytes: number
}

export type Report =
  | { readonly kind: 'status'; readonly status: HubStatus; readonly progress: number | null }
  | { readonly kind: 'log'; readonly level: LineLevel; readonly message: string; readonly status: HubStatus | null }

/** Targets of a change: a state, or `withdrawn` for a creation that was undone or an incarnation that a cleanup deleted. */
export const CHANGES = [...STATES, 'withdrawn'] as const
export type ChangeTo = (typeof CHANGES)[number]

/** A transition of an incarnation to another state, or of a restart to its next run. No run enters a state twice. */
export interface AnalysisChange extends Pick<Analysis, 'id' | 'run' | 'progress' | 'cause'> {
  readonly to: ChangeTo
  readonly at: Date
}

/** The durable intent to delete what an incarnation owns outside the database. */
export interface Removal extends Pick<Analysis, 'key' | 'id' | 'firstRun'> {
  readonly lastRun: RunNumber
  /** Archive the incarnation (executed, deleted) instead of keeping its row. */
  readonly archive: boolean
  /** End of the lease of its creation: until then a missing root may still appear. */
  readonly makingUntil: Date
  /** The removal is not complete before this time, because calls that timed out may still take effect. */
  readonly holdUntil: Date
  readonly attempts: number
  /** Attempts that began since the last one that ended, this one included. More than one means that a process died. */
  readonly unfinished: number
  /** The logs are saved or abandoned. */
  readonly logsTaken: boolean
  /** The root is deleted or being deleted, and its pods end: another incarnation of the id may begin. */
  readonly rootRemoved: boolean
  /** Subscriptions and Keycloak client are deleted. */
  readonly clientRemoved: boolean
}

/** How long a call may still take effect after its deadline. */
export const LATE_MS = 15_000
