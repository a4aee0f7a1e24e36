/** The rows of current incarnations. */
import type {
  Analysis,
  AnalysisId,
  AnalysisKey,
  AnalysisSpec,
  LogLine,
  PartnerStatuses,
  Removal,
  Report,
  RunEvidence,
  RunNumber,
  State,
} from '../model.ts'

export interface NewAnalysis extends AnalysisSpec {
  /** The run number must be greater than this. */
  readonly restartCounter: number
  readonly progress: number
  /** Subject of the token of the request. */
  readonly requestedBy: string | null
  /** How long the creation may take. Until then no other process completes or undoes it. */
  readonly leaseMs: number
}

/** Fields in which a second create of a running analysis may differ from the first. */
export type SpecField = 'project_id' | 'image_url' | 'registry_url'

export type BeginResult =
  | { readonly kind: 'begun'; readonly analysis: Analysis }
  | { readonly kind: 'running'; readonly analysis: Analysis }
  | { readonly kind: 'differs'; readonly analysis: Analysis; readonly fields: readonly SpecField[] }
  /** The root of an earlier incarnation is not deleted yet: release it and call again. */
  | { readonly kind: 'unreleased'; readonly removal: Removal }
  /** An earlier incarnation has ended and is still current: archive it and call again. */
  | { readonly kind: 'ended'; readonly analysis: Analysis }
  /** Another process removes the client of an earlier incarnation: call again in a moment. */
  | { readonly kind: 'busy' }

/** Changes in the same transaction as a transition. */
export interface AnalysisPatch {
  readonly cause?: string | null
  /** Raised to this value; never lowered. */
  readonly progress?: number
  readonly dueAt?: Date
  /**
   * Adds a run with the next number of the id, makes it current, and raises `restarts` by one. The cause is recorded for the
   * run that ends.
   */
  readonly nextRun?: boolean
  /** Reports to the Hub, appended to the outbox in this order. */
  readonly reports?: readonly Report[]
  /** Lines by the orchestrator, appended to the log of the analysis in this order. */
  readonly lines?: readonly LogLine[]
  /** Records the removal of everything the incarnation owns outside the database. Every end has one. */
  readonly removal?: { readonly archive: boolean }
  /** The objects of the current run were applied again; `nextRun` resets this. */
  readonly reapplied?: true
  /** The specifications of the policies of the current run as JSON, by name; their digests are stored. */
  readonly policies?: Readonly<Record<string, string>>
  /** What was known of the run and its fault; stored with the run and as `lastFault`. */
  readonly evidence?: RunEvidence
  /** Extends the claim until then; null releases it. */
  readonly claimedUntil?: Date | null
}

export type AnalysisState = Pick<Analysis, 'spelling' | 'state' | 'progress'>

export interface AnalysisStore {
  /** Resolves when the database answers a query. */
  ping(): Promise<void>
  /**
   * Records the intent to run an analysis before anything is created. Of concurrent calls for one id, one begins and the
   * others see it running. Raises the run number of the id above every earlier one.
   */
  begin(input: NewAnalysis): Promise<BeginResult>
  find(id: AnalysisId): Promise<Analysis | undefined>
  /** All current incarnations, oldest first. */
  list(): Promise<Analysis[]>
  /** What the status of all analyses needs, in the same order: the most frequent query. */
  listStates(): Promise<AnalysisState[]>
  findByKey(key: AnalysisKey): Promise<Analysis | undefined>
  /**
   * Moves an incarnation from one of the states `from` to `to`, with everything in `patch`. Does nothing and resolves to
   * undefined if it is in another state or, if given, in another run. `since` changes only with the state.
   */
  transition(
    key: AnalysisKey,
    from: readonly State[],
    to: State,
    patch?: AnalysisPatch,
    run?: RunNumber,
  ): Promise<Analysis | undefined>
  /**
   * Deletes row and runs of an incarnation that is still `starting`, and records the removal of what its creation may have
   * made in the same transaction. The run counter of the id stays. True if it was `starting`.
   */
  abandon(key: AnalysisKey): Promise<boolean>
  /** Stores the last known statuses of the partners of a current incarnation. */
  savePartners(key: AnalysisKey, partners: PartnerStatuses): Promise<void>
  /** Ids with a current incarnation or a removal: their Keycloak clients are not orphaned. */
  knownIds(): Promise<Set<AnalysisId>>
  /**
   * Deletes analyses, runs, logs, archive and the undelivered log lines. Run counters and undelivered statuses stay. Records a
   * removal and appends `reports` for every incarnation in the same transaction. Resolves to the analyses as they were.
   */
  reset(reports?: (analysis: Analysis) => readonly Report[]): Promise<Analysis[]>
}
