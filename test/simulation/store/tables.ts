/** The tables of the store in memory, and shared operations. Rows are replaced, never changed. */
import type {
  Analysis,
  AnalysisChange,
  AnalysisId,
  AnalysisKey,
  LogLine,
  LogSnapshot,
  Removal,
  Report,
  RunNumber,
} from '../../../shared/po/model.ts'
import type { Envelope } from '../../../shared/po/ports/record.ts'

export interface RunRow {
  readonly run: RunNumber
  readonly startedAt: Date
  readonly endedAt: Date | null
  readonly cause: string | null
  /** Of its lines. */
  readonly leftOut: number
  readonly leftOutBytes: number
}

export interface LineRow extends LogLine {
  readonly seq: string
  readonly run: RunNumber
  readonly at: Date
}

/** An outbox entry, delivered in order per analysis. */
export interface Queued {
  readonly seq: string
  readonly id: AnalysisId
  readonly attempts: number
  readonly unfinished: number
  readonly dueAt: Date
  readonly claimedUntil: Date | null
}

export interface ReportRow extends Queued {
  readonly report: Report
  /** Number of dropped lines that this report replaces. */
  readonly omitted: number
}

export interface ChangeRow extends Queued {
  readonly change: AnalysisChange
}

export interface RemovalRow extends Removal {
  readonly dueAt: Date
  readonly claimedUntil: Date | null
  readonly clientHeldUntil: Date | null
}

export interface RecordRow {
  readonly id: AnalysisId
  readonly envelope: Envelope
}

export interface ArchiveRow {
  readonly key: AnalysisKey
  readonly id: AnalysisId
  readonly spelling: string
  readonly archivedAt: Date
  readonly document: string
  readonly signature: string | null
  /** Of the document, its signature, lines and logs. */
  readonly bytes: number
}

export interface LoopRow {
  readonly installedAt: Date
  readonly takenSlot: number | null
  readonly completedSlot: number | null
  readonly completedAt: Date | null
  readonly faultAt: Date | null
}

export interface Tables {
  /** Last run number of each id; never deleted. */
  readonly identities: Map<AnalysisId, number>
  /** In the order of their keys. */
  readonly analyses: Map<AnalysisKey, Analysis>
  readonly runs: Map<AnalysisKey, readonly RunRow[]>
  readonly lines: Map<AnalysisKey, readonly LineRow[]>
  readonly snapshots: Map<AnalysisKey, readonly LogSnapshot[]>
  readonly reports: Map<AnalysisId, ReportRow[]>
  readonly changes: Map<AnalysisId, ChangeRow[]>
  readonly removals: Map<AnalysisKey, RemovalRow>
  readonly archive: Map<AnalysisKey, ArchiveRow>
  readonly records: Map<AnalysisKey, RecordRow>
  archiveHead: { readonly sequence: number; readonly sha256: string | null }
  loop: LoopRow | undefined
  lastKey: number
  readonly lastSeq: { report: number; change: number; line: number }
  readonly now: () => Date
}

export const createTables = (now: () => Date): Tables => ({
  identities: new Map(),
  analyses: new Map(),
  runs: new Map(),
  lines: new Map(),
  snapshots: new Map(),
  reports: new Map(),
  changes: new Map(),
  removals: new Map(),
  archive: new Map(),
  records: new Map(),
  archiveHead: { sequence: 0, sha256: null },
  loop: undefined,
  lastKey: 0,
  lastSeq: { report: 0, change: 0, line: 0 },
  now,
})

export const later = (at: Date, ms: number): Date => new Date(at.getTime() + ms)
/** A text as the database stores it, without NUL. */
export const storable = (text: string): string => text.replaceAll('\0', '\uFFFD').toWellFormed()
export const percent = (progress: number): number => Math.trunc(Math.min(100, Math.max(0, progress)))

const LIMIT = 2 ** 31 - 1
/** A reported progress, limited to the range of the column. */
export const claimed = (progress: number): number => Math.trunc(Math.min(LIMIT, Math.max(-LIMIT, progress)))

export const isFree = (claimedUntil: Date | null, now: Date): boolean => claimedUntil === null || claimedUntil <= now

export function currentOf({ analyses }: Tables, id: AnalysisId): Analysis | undefined {
  for (const row of analyses.values()) if (row.id === id) return row
  return undefined
}

export function save<T extends Analysis>(tables: Tables, row: T): T {
  tables.analyses.set(row.key, row)
  return row
}

/** Deletes the row alone: runs, lines and logs belong to its archive entry now. */
export function forgetRow({ analyses }: Tables, key: AnalysisKey): void {
  analyses.delete(key)
}

export function forgetTexts({ runs, lines, snapshots }: Tables, key: AnalysisKey): void {
  for (const table of [runs, lines, snapshots]) table.delete(key)
}

/** Deletes the row and its dependents. */
export function forget(tables: Tables, key: AnalysisKey): void {
  forgetRow(tables, key)
  forgetTexts(tables, key)
}

export function addLine(tables: Tables, key: AnalysisKey, line: Omit<LineRow, 'at' | 'seq'>): void {
  const row = { ...line, seq: nextSeq(tables, 'line'), at: tables.now() }
  tables.lines.set(key, [...(tables.lines.get(key) ?? []), row])
}

const DOUBLINGS = 6

/** The row of a claim: the attempt is counted before the work, and the lease doubles with each unfinished one. */
export const claimedRow = <T extends { readonly unfinished: number }>(row: T, now: Date, leaseMs: number) => ({
  ...row,
  claimedUntil: later(now, leaseMs * 2 ** Math.min(row.unfinished, DOUBLINGS)),
  unfinished: row.unfinished + 1,
})

export function endRun({ runs }: Tables, { key, run }: Analysis, cause: string | null, at: Date): void {
  const ended = (row: RunRow) => (row.run === run && row.endedAt === null ? { ...row, endedAt: at, cause } : row)
  runs.set(key, (runs.get(key) ?? []).map(ended))
}

export function addRun({ runs }: Tables, key: AnalysisKey, run: RunNumber, startedAt: Date): void {
  runs.set(key, [...(runs.get(key) ?? []), { run, startedAt, endedAt: null, cause: null, leftOut: 0, leftOutBytes: 0 }])
}

export function nextSeq({ lastSeq }: Tables, of: 'report' | 'change' | 'line'): string {
  lastSeq[of] += 1
  return String(lastSeq[of])
}
