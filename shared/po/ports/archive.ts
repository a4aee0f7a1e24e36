/** The archive of ended analyses. */
import type { AnalysisId, AnalysisKey, RunNumber, State } from '../model.ts'
import type { KeptLog, LineCounts } from './logs.ts'

/**
 * What is kept of a finished analysis. It is serialised once; those bytes are stored and signed. Lines and logs are not in
 * it: they are kept beside it, and their digests are here.
 */
export interface ArchiveEntry {
  readonly version: 2
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
  /** Why lines and logs were deleted when the entry was made; null: they were not. */
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

/** Makes a compact JWS over the bytes of an archive entry; null when the node has no key. */
export type Sign = (document: string) => Promise<string | null>

export interface ArchiveStore {
  /**
   * Moves an ended incarnation with runs, lines and logs to the archive, in memory that does not depend on their size. With
   * `shorten` lines and logs are deleted instead, and the entry says why. Does nothing when it is there already.
   */
  archive(key: AnalysisKey, node: string, sign: Sign, shorten?: string): Promise<void>
  /** Archive entries as stored, for verification: at most `limit` behind `after`, oldest first. */
  archiveEntries(after: AnalysisKey | undefined, limit: number, id?: AnalysisId): Promise<StoredEntry[]>
  /** Takes lines and logs out of an entry as the version before made it, so that they can be read; true if there was one. */
  unpackArchive(): Promise<boolean>
  /** Deletes archive entries above an age or, oldest first, a size; 0 means no limit. Resolves to how many went. */
  pruneArchive(limits: { readonly maxAgeDays: number; readonly maxMiB: number }): Promise<number>
}
