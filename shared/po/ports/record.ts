/** Records of ended incarnations: what they were, signed, for readers who do not trust the node's database. */
import type { AnalysisId, AnalysisKey, RunNumber } from '../model.ts'
import type { ArchivedLog } from './archive.ts'

/** What was written down of an incarnation while it ran. */
export interface RecordedFacts {
  /** Oldest first; the first one is the request. */
  readonly journal: readonly JournalEntry[]
  /** Head of the chain of entries, hexadecimal. */
  readonly journalHead: string
  readonly lines: readonly RecordedLines[]
  readonly logs: readonly ArchivedLog[]
  /** Rows that are not as they were written, in words; empty if there are none. */
  readonly changed: readonly string[]
}

export type JournalKind = 'request' | 'status' | 'policies' | 'isolation' | 'image' | 'fault'

export interface JournalEntry {
  readonly at: string
  readonly kind: JournalKind
  readonly run: RunNumber
  /** JSON, as text: its digest is in the chain. */
  readonly body: string
}

/** The lines of a run. */
export interface RecordedLines {
  readonly run: RunNumber
  /** Lines that came, including those that were left out. */
  readonly count: number
  readonly leftOut: number
  /** Head of the chain of lines, hexadecimal. */
  readonly head: string
}

/** DSSE, https://github.com/secure-systems-lab/dsse */
export interface Envelope {
  readonly payloadType: string
  /** Base64. */
  readonly payload: string
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[]
}

/**
 * Puts the facts into a statement, and that into an envelope, signed if the node has a key.
 * @param node id of the node at the Hub
 */
export type MakeRecord = (facts: RecordedFacts, node: string, at: Date) => Promise<Envelope>

export interface RecordStore {
  /** Makes the record of an ended incarnation. Does nothing if it has one, is live or is unknown. */
  seal(key: AnalysisKey, node: string, make: MakeRecord): Promise<void>
  /** The envelope of the incarnation of this id that had this run, or of the last one that ended. */
  record(id: AnalysisId, run: RunNumber | undefined): Promise<Envelope | undefined>
}
