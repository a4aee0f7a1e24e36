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
export interface KeptLog extends Omit<LogSnapshot, 'text'> {
  /** Bytes of the stored text. */
  readonly bytes: number
}

export interface KeptLine extends LogLine {
  readonly seq: string
  readonly at: Date
}

/** What is stored of the logs of an incarnation, live or ended. */
export interface KeptTexts {
  readonly runs: readonly { readonly run: RunNumber; readonly lines: LineCounts }[]
  /** By run, kind and container. */
  readonly logs: readonly KeptLog[]
}

/** An ended incarnation, and its position among all of them. */
export interface EndedRef {
  readonly key: AnalysisKey
  readonly spelling: string
  /** Key of the first incarnation with this spelling. */
  readonly first: AnalysisKey
}

/** The log lines of one run: stored ones, and those deleted because of a limit. */
export interface LineCounts {
  readonly count: number
  readonly bytes: number
  readonly leftOut: number
  readonly leftOutBytes: number
}

/** The end of a container's log. */
export interface LogTail {
  /** In pieces of whole characters. Can be read more than once. */
  readonly text: Iterable<string>
  readonly leftOut: number
}

export type TakenLog = Omit<LogSnapshot, 'text'> & LogTail

export interface LogStore {
  /**
   * Appends a line to the log of an analysis's current incarnation and appends the reports. A line of the current run also
   * raises the progress. `run` null means the current run; a line of another incarnation's run is not stored. When a limit is
   * exceeded, the oldest lines are deleted and counted, at most 1/32 of the limit at a time: those of the run first, then those
   * of the earliest run that has some. The cost does not depend on the number of lines. Resolves to undefined for an id without
   * a current incarnation.
   */
  appendLine(
    id: AnalysisId,
    run: RunNumber | null,
    line: LogLine,
    reports: (analysis: Analysis, current: boolean, progressRose: boolean) => readonly Report[],
    limits: LineLimits,
  ): Promise<Analysis | undefined>
  /**
   * Stores logs of containers of an incarnation, replacing earlier ones of the same containers. When all its texts together
   * exceed `maxBytes`, those of the earliest runs are deleted first and counted as left out.
   */
  saveSnapshots(key: AnalysisKey, snapshots: readonly TakenLog[], maxBytes: number): Promise<void>
  /**
   * Archived, stopped and failed incarnations, at most `limit` after `after`, ordered by the first incarnation of their
   * spelling, then oldest first.
   */
  ended(after: EndedRef | undefined, limit: number, id?: AnalysisId): Promise<EndedRef[]>
  texts(key: AnalysisKey): Promise<KeptTexts>
  /** The next lines of a run after `after`, about 256 KiB; none at the end. */
  lines(key: AnalysisKey, run: RunNumber, after: string | undefined): Promise<KeptLine[]>
  /** Piece `n` of the text of a log, from 0, with at most 128 Ki characters; undefined after the last one. */
  logPiece(key: AnalysisKey, log: Pick<KeptLog, 'run' | 'kind' | 'container'>, n: number): Promise<string | undefined>
}
