/**
 * The words of the PO contract. Everything else in `shared/po` is said in them.
 *
 * - An **analysis** has an id given by its caller. One *create* of it is an **incarnation** and has a `key`; an id can
 *   have many incarnations after each other, at most one of them is current.
 * - A **run** is one attempt of an incarnation, with a number that never repeats for the id. `analysis-{id}-{n}` names its
 *   Deployment, Service and container.
 * - The **root** of an incarnation is its credentials Secret: every other Kubernetes object hangs below it.
 * - A **removal** is the durable intent to take an incarnation's objects, Keycloak client and subscriptions away.
 * - A **report** is one thing the Hub is to learn, delivered in order per analysis.
 * - A **change** is one move of an incarnation to another state; with an event sink each is told as a CloudEvent.
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
/** Primary key of an incarnation. */
export type AnalysisKey = Branded<string, 'AnalysisKey'>

const UUID = /^(?:[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/i

/** True for a UUID of any version and case, with dashes or without. */
export const isUuid = (text: string): boolean => UUID.test(text)

/** The canonical spelling of a UUID, or undefined when the text is none. */
export function parseAnalysisId(text: string): AnalysisId | undefined {
  if (!isUuid(text)) return undefined
  const hex = text.replaceAll('-', '').toLowerCase()
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)]
  return parts.join('-') as AnalysisId
}

/** The Hub takes only version 4 ids; reports of others are refused once and not retried. */
export const isVersion4 = (id: AnalysisId): boolean => /^.{14}4.{4}[89ab]/.test(id)

/** What the row of an analysis says. */
export const STATES = [
  'starting', // the row is there, its Kubernetes objects are being made
  'started', // all objects are applied, nothing was heard of the analysis yet
  'executing', // the analysis answered that it works
  'restarting', // a run was removed, the next one waits for its due time
  'stopping', // a caller ended it, its objects are being removed
  'executed', // it finished by itself
  'stopped', // a caller or a partner ended it
  'failed', // it cannot go on; `cause` says why
] as const
export type State = (typeof STATES)[number]

export const LIVE_STATES = ['starting', 'started', 'executing', 'restarting'] as const satisfies readonly State[]
type LiveState = (typeof LIVE_STATES)[number]
export const isLive = (state: State): state is LiveState => (LIVE_STATES as readonly State[]).includes(state)

/** How an incarnation may end. */
export const OUTCOMES = ['executed', 'stopped', 'failed'] as const satisfies readonly State[]
export type Outcome = (typeof OUTCOMES)[number]

/** Levels of a log line, as the SDK and the Hub spell them. */
export const LOG_LEVELS = ['emerg', 'alert', 'crit', 'error', 'warn', 'notice', 'info', 'debug'] as const
export type LineLevel = (typeof LOG_LEVELS)[number]

/** The Hub's words for the state of an analysis on a node. */
export const HUB_STATUSES = ['starting', 'started', 'stopping', 'stopped', 'executing', 'executed', 'failed'] as const
export type HubStatus = (typeof HUB_STATUSES)[number]

/** The words `/po/status` may use. */
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

/** When an incarnation is due that is still being taken over: sweeps leave it alone until it is complete. */
export const UNFINISHED = new Date('9999-12-31T00:00:00Z')

/** What a create asks for, without its secrets. */
export interface AnalysisSpec {
  readonly id: AnalysisId
  /** The caller's spelling of the id: answers use it as their key. */
  readonly spelling: string
  readonly projectId: string
  readonly image: string
  /** Host (and port) of the registry, lower case, no scheme, no path. */
  readonly registryHost: string
  readonly needsKong: boolean
}

/** An incarnation as it is recorded. */
export interface Analysis extends AnalysisSpec {
  readonly key: AnalysisKey
  readonly state: State
  /** 0..100, never falls within an incarnation. */
  readonly progress: number
  /** Why it is in this state, in words a researcher understands. */
  readonly cause: string | null
  /** First run of this incarnation: its root bears this number. */
  readonly firstRun: RunNumber
  /** The current run. */
  readonly run: RunNumber
  /** Restarts used since the create. */
  readonly restarts: number
  /** When the current state was entered. */
  readonly since: Date
  /** When the current run began. */
  readonly runSince: Date
  /** Earliest time of the next step (back-off of a restart). */
  readonly dueAt: Date
  /** Until when somebody works on it; creation holds it too. */
  readonly claimedUntil: Date | null
  /** Polls that failed in a row, and since when. */
  readonly silentPolls: number
  readonly silentSince: Date | null
  /** The current run was put back after others had deleted its objects. */
  readonly reapplied: boolean
  /** Reconciliations that began since the last one that ended: more than one means that a process died during it. */
  readonly unfinished: number
  /** What the Hub last said of its partners, by their analysis node: what the analysis is told while the Hub is away. */
  readonly partners: PartnerStatuses
  readonly createdAt: Date
}

/** Statuses by analysis node; null where a partner has none. */
export type PartnerStatuses = Readonly<Record<string, HubStatus | null>>

export interface RegistryLogin {
  readonly user: string
  readonly password: string
}

/** What is passed on to a container or to the kubelet and never stored by us. */
export interface AnalysisSecrets {
  /** Null: the image is pulled without a login. */
  readonly login: RegistryLogin | null
  readonly kongToken: string
}

/** One line that an analysis, or we about it, wrote. */
export interface LogLine {
  readonly level: LineLevel
  readonly message: string
  /** The status the writer claimed; free text from the SDK. */
  readonly status: string
  readonly progress: number
}

/** Log of one container, taken before its pod was removed. */
export interface LogSnapshot {
  readonly run: RunNumber
  readonly kind: 'analysis' | 'nginx'
  readonly container: string
  readonly text: string
  /** Bytes before the text that are not kept. */
  readonly leftOut: number
}

/** How many log lines are kept, and bytes of them; of what is more, the oldest is deleted. */
export interface LineLimits {
  readonly runLines: number
  readonly runBytes: number
  readonly analysisLines: number
  readonly analysisBytes: number
}

/** What the Hub is to learn; one row of the outbox. */
export type Report =
  | { readonly kind: 'status'; readonly status: HubStatus; readonly progress: number | null }
  | { readonly kind: 'log'; readonly level: LineLevel; readonly message: string; readonly status: HubStatus | null }

/**
 * What a change may lead to: a state, or `withdrawn` for a creation that was taken back and for an incarnation that a
 * cleanup of the tables made us forget.
 */
export const CHANGES = [...STATES, 'withdrawn'] as const
export type ChangeTo = (typeof CHANGES)[number]

/** A move of an incarnation to another state, or of a restart to its next run. No run enters a state twice. */
export interface AnalysisChange {
  readonly id: AnalysisId
  readonly run: RunNumber
  readonly to: ChangeTo
  readonly progress: number
  readonly cause: string | null
  readonly at: Date
}

/** The durable intent to remove what an incarnation owns outside the database. */
export interface Removal {
  readonly key: AnalysisKey
  readonly id: AnalysisId
  readonly firstRun: RunNumber
  readonly lastRun: RunNumber
  /** Archive the incarnation (executed, deleted) instead of keeping its row. */
  readonly archive: boolean
  /** A creation may still be making things until then; a root that is not there may come yet. */
  readonly makingUntil: Date
  /** Calls that were given up may take effect until then: the removal is not complete before. */
  readonly holdUntil: Date
  readonly attempts: number
  /** Attempts that began since the last one that ended, this one included: more than one means that a process died. */
  readonly unfinished: number
  /** Logs were read, or given up. */
  readonly logsTaken: boolean
  /** The root was asked to go, so that no pod of it goes on: another incarnation of the id may begin. */
  readonly rootRemoved: boolean
  /** Subscriptions and Keycloak client are gone. */
  readonly clientRemoved: boolean
}

/** A call that was given up may still take effect for so long. */
export const LATE_MS = 15_000
