/** Log lines of analyses, and the logs of their containers. */
import type {
  Analysis,
  AnalysisId,
  AnalysisKey,
  LineLimits,
  LogLine,
  LogSnapshot,
  Report,
  RunNumber,
} from '../model.ts'

/** The log of one container, without its text. */
export interface KeptLog {
  readonly run: RunNumber
  readonly kind: LogSnapshot['kind']
  readonly container: string
  /** Bytes of the text that is kept. */
  readonly bytes: number
  /** Bytes before it that are not kept. */
  readonly leftOut: number
}

export interface KeptLine extends LogLine {
  /** Position among the lines of the analysis. */
  readonly seq: string
  readonly at: Date
}

/** What is kept of the logs of an incarnation, live or ended. */
export interface KeptTexts {
  readonly runs: readonly { readonly run: RunNumber; readonly lines: LineCounts }[]
  /** By run, kind and container. */
  readonly logs: readonly KeptLog[]
}

/** An ended incarnation, and its place in the order of all of them. */
export interface EndedRef {
  readonly key: AnalysisKey
  readonly spelling: string
  /** Key of the first incarnation with this spelling. */
  readonly first: AnalysisKey
}

/** Of the log lines of one run: those that are kept, and those that were left out because a limit was reached. */
export interface LineCounts {
  readonly count: number
  readonly bytes: number
  readonly leftOut: number
  readonly leftOutBytes: number
}

/** The end of a container's log. */
export interface LogTail {
  /** In pieces, each of whole characters. It may be read again. */
  readonly text: Iterable<string>
  /** Bytes before the text. */
  readonly leftOut: number
}

export type TakenLog = Omit<LogSnapshot, 'text'> & LogTail

export interface LogStore {
  /**
   * Appends a line to the log of an analysis's current incarnation, raises its progress (only if the line is of its
   * current run) and appends the reports. `run` null means the current one; a line of a run that is not one of this
   * incarnation is not kept. Where a limit is exceeded, the oldest lines are deleted and counted: at most 1/32 of the limit
   * at a time, of the run first, then of the earliest run that has some. Costs the same for the first and the 10,000th line.
   * Resolves to undefined for an id without a current incarnation.
   */
  appendLine(
    id: AnalysisId,
    run: RunNumber | null,
    line: LogLine,
    reports: (analysis: Analysis, current: boolean, progressRose: boolean) => readonly Report[],
    limits: LineLimits,
  ): Promise<Analysis | undefined>
  /**
   * Keeps the log of a container of an incarnation; the last one written for a container wins. When all texts of the
   * incarnation exceed `maxBytes`, those of the earliest runs are deleted and counted as left out, the new ones last.
   */
  saveSnapshots(key: AnalysisKey, snapshots: readonly TakenLog[], maxBytes: number): Promise<void>
  /**
   * Archived, stopped and failed incarnations, at most `limit` behind `after`: by the first incarnation of their spelling,
   * then oldest first.
   */
  ended(after: EndedRef | undefined, limit: number, id?: AnalysisId): Promise<EndedRef[]>
  texts(key: AnalysisKey): Promise<KeptTexts>
  /** Lines of a run behind `after`, in order: about 256 KiB of them, and none at the end. */
  lines(key: AnalysisKey, run: RunNumber, after: string | undefined): Promise<KeptLine[]>
  /** Piece `n`, counted from 0, of the text of a log: at most 128 Ki characters; undefined behind the last one. */
  logPiece(key: AnalysisKey, log: Pick<KeptLog, 'run' | 'kind' | 'container'>, n: number): Promise<string | undefined>
}
