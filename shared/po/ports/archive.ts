/** The archive of ended analyses. */
import type { AnalysisId, AnalysisKey, RunNumber, State } from '../model.ts'
import type { KeptLog, LineCounts } from './logs.ts'

/**
 * The record of an ended analysis. It is serialised once, and those bytes are stored and signed. It contains the digests of
 * lines and logs, which are stored separately.
 */
export interface ArchiveEntry {
  readonly version: 3
  /** 1, 2, 3 … in the order in which entries were made, without gaps. */
  readonly sequence: number
  /** SHA-256 of the document of the entry before it, hexadecimal; null for the first one. */
  readonly previous: string | null
  readonly analysisId: string
  readonly spelling: string
  readonly projectId: string
  readonly image: string
  readonly registryHost: string
  readonly outcome: State
  readonly cause: string | null
  readonly progress: number
  readonly createdAt: string
  readonly endedAt: string
  readonly node: string
  /** Why lines and logs were deleted when the entry was made; null if they were not. */
  readonly shortened: string | null
  readonly runs: readonly ArchivedRun[]
  readonly logs: readonly ArchivedLog[]
}

export interface ArchivedRun {
  readonly run: RunNumber
  readonly startedAt: string
  readonly endedAt: string | null
  readonly cause: string | null
  readonly lines: LineCounts & { /** Digest of the lines, hexadecimal. */ readonly sha256: string }
}

export interface ArchivedLog extends KeptLog {
  /** Digest of the pieces of the text, hexadecimal. */
  readonly sha256: string
}

export interface StoredEntry {
  readonly key: AnalysisKey
  readonly document: string
  readonly signature: string | null
}

/** Signs the bytes of an archive entry as a compact JWS; null when the node has no key. */
export type Sign = (document: string) => Promise<string | null>

export interface ArchiveStore {
  /**
   * Moves an ended incarnation with runs, lines and logs to the archive, in memory that does not depend on their size.
   * `shorten` is a reason to delete lines and logs instead. Does nothing when it is archived already.
   */
  archive(key: AnalysisKey, node: string, sign: Sign, shorten?: string): Promise<void>
  /** Archive entries as stored, for verification: at most `limit` after `after`, oldest first. */
  archiveEntries(after: AnalysisKey | undefined, limit: number, id?: AnalysisId): Promise<StoredEntry[]>
  /** Sequence number of the entry that was made last; 0 if there is none. */
  archiveHead(): Promise<number>
  /** Extracts lines and logs from one entry in the former format; false when there is none. */
  unpackArchive(): Promise<boolean>
  /** Deletes archive entries above an age or, oldest first, above a total size; 0 means no limit. Resolves to their number. */
  pruneArchive(limits: { readonly maxAgeDays: number; readonly maxMiB: number }): Promise<number>
}
