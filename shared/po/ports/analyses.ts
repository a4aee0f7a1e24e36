/** Analyses: one row per current incarnation. */
import type {
  Analysis,
  AnalysisId,
  AnalysisKey,
  AnalysisSpec,
  LogLine,
  PartnerStatuses,
  Removal,
  Report,
  RunNumber,
  State,
} from '../model.ts'

export interface NewAnalysis extends AnalysisSpec {
  /** The run number must be greater than this. */
  readonly restartCounter: number
  readonly progress: number
  /** How long creation may take; until then nobody else resumes or undoes it. */
  readonly leaseMs: number
}

/** Fields in which a second create of a running analysis may differ from the first. */
export type SpecField = 'project_id' | 'image_url' | 'registry_url'

export type BeginResult =
  /** The row is there in state `starting`. */
  | { readonly kind: 'begun'; readonly analysis: Analysis }
  /** It lives already, with the same spec. */
  | { readonly kind: 'running'; readonly analysis: Analysis }
  | { readonly kind: 'differs'; readonly analysis: Analysis; readonly fields: readonly SpecField[] }
  /** A former incarnation is there still, its root was not asked to go: release it and begin again. */
  | { readonly kind: 'unreleased'; readonly removal: Removal }
  /** A former incarnation has ended and holds the place: archive it and begin again. */
  | { readonly kind: 'ended'; readonly analysis: Analysis }
  /** Somebody releases the former incarnation's client right now: begin again in a moment. */
  | { readonly kind: 'busy' }

/** Changes that go with a move to another state, in one transaction. */
export interface AnalysisPatch {
  readonly cause?: string | null
  /** Raised to this value; never lowered. */
  readonly progress?: number
  readonly dueAt?: Date
  /**
   * Adds a run with the next number of the id and makes it current; the cause is that of the run which ends by it.
   * `restarts` rises by one.
   */
  readonly nextRun?: boolean
  /** Reports to the Hub, appended to the outbox in this order. */
  readonly reports?: readonly Report[]
  /** Lines about this analysis written by us, appended to its log in this order. */
  readonly lines?: readonly LogLine[]
  /** Records the removal of everything the incarnation owns outside. Exactly the moves to an end have it. */
  readonly removal?: { readonly archive: boolean }
  /** The current run was put back; a next run begins without it. */
  readonly reapplied?: true
  /** Keeps the claim until then; null gives it up. */
  readonly claimedUntil?: Date | null
}

export type AnalysisState = Pick<Analysis, 'spelling' | 'state' | 'progress'>

export interface AnalysisStore {
  /** Resolves when the database answers a query. */
  ping(): Promise<void>
  /**
   * Records the intent to run an analysis before anything is made. Of any number at the same time for one id, one
   * begins and the others see it running. Raises the run number of the id above every earlier one.
   */
  begin(input: NewAnalysis): Promise<BeginResult>
  /** The current incarnation of an id. */
  find(id: AnalysisId): Promise<Analysis | undefined>
  /** All current incarnations, oldest first. */
  list(): Promise<Analysis[]>
  /** What callers see of them, in the same order: for the question that is asked most, and of all. */
  listStates(): Promise<AnalysisState[]>
  findByKey(key: AnalysisKey): Promise<Analysis | undefined>
  /**
   * Moves an incarnation from one of `from` to `to` when it is still there (and, if given, in run `run`), with
   * everything in `patch`, or does nothing and resolves to undefined. `since` changes only when the state does.
   */
  transition(
    key: AnalysisKey,
    from: readonly State[],
    to: State,
    patch?: AnalysisPatch,
    run?: RunNumber,
  ): Promise<Analysis | undefined>
  /**
   * Forgets an incarnation that is still `starting`: its row and runs go, the counter stays, and a removal of what its
   * creation may have made is recorded in the same transaction. True if it was `starting`.
   */
  abandon(key: AnalysisKey): Promise<boolean>
  /** Remembers what the Hub said of the partners of a current incarnation. */
  savePartners(key: AnalysisKey, partners: PartnerStatuses): Promise<void>
  /** Ids that have a row here, current or archived-but-unreleased: their Keycloak clients are not orphans. */
  knownIds(): Promise<Set<AnalysisId>>
  /**
   * Empties analyses, runs, logs and archive, log lines that wait for the Hub included; run counters and statuses that wait
   * stay. Records a removal for every incarnation that was there and appends what `told` says of it, in the same
   * transaction, and resolves to the analyses as they were.
   */
  reset(told?: (analysis: Analysis) => readonly Report[]): Promise<Analysis[]>
}
