/** Columns of the tables of PO, and conversions of values. */
import type { ISql } from 'postgres'
import type { Analysis, Removal } from '../../po/model.ts'

/** A connection with or without a transaction: query functions take either. */
export type Db = ISql

export type Clock = () => Date

const ANALYSIS = {
  key: 'key',
  id: 'id',
  spelling: 'spelling',
  projectId: 'project_id',
  image: 'image',
  registryHost: 'registry_host',
  needsKong: 'needs_kong',
  state: 'state',
  progress: 'progress',
  cause: 'cause',
  firstRun: 'first_run',
  run: 'run',
  restarts: 'restarts',
  since: 'since',
  runSince: 'run_since',
  dueAt: 'due_at',
  claimedUntil: 'claimed_until',
  silentPolls: 'silent_polls',
  silentSince: 'silent_since',
  reapplied: 'reapplied',
  unfinished: 'unfinished',
  lastFault: 'last_fault',
  partners: 'partners',
  createdAt: 'created_at',
} as const satisfies Record<keyof Analysis, string>

const REMOVAL = {
  key: 'key',
  id: 'id',
  firstRun: 'first_run',
  lastRun: 'last_run',
  archive: 'archive',
  makingUntil: 'making_until',
  holdUntil: 'hold_until',
  attempts: 'attempts',
  unfinished: 'unfinished',
  logsTaken: 'logs_taken',
  rootRemoved: 'root_removed',
  clientRemoved: 'client_removed',
} as const satisfies Record<keyof Removal, string>

const list = (columns: Readonly<Record<string, string>>): string =>
  Object.entries(columns)
    .map(([word, column]) => `row.${column} as "${word}"`)
    .join(', ')

const ANALYSIS_LIST = list(ANALYSIS)
const REMOVAL_LIST = list(REMOVAL)

/** All columns of an analysis; the statement calls its table `row`. */
export const analysisColumns = (sql: Db) => sql.unsafe(ANALYSIS_LIST)
/** The same for a removal. */
export const removalColumns = (sql: Db) => sql.unsafe(REMOVAL_LIST)

export const later = (at: Date, ms: number): Date => new Date(at.getTime() + ms)

/** Largest number of doublings of a lease. */
const DOUBLINGS = 6

/**
 * Assignments of a claim. The attempt is counted before it begins. The lease doubles with each unfinished attempt, so work that
 * kills its process is attempted less and less often.
 */
export const claimed = (sql: Db, now: Date, leaseMs: number) => sql`
  claimed_until = ${now}::timestamptz + ${leaseMs} * interval '1 ms' * 2 ^ least(row.unfinished, ${DOUBLINGS}),
  unfinished = row.unfinished + 1`

/** Replaces NUL and lone surrogates, which PostgreSQL cannot store. */
export const storable = (text: string): string => text.replaceAll('\0', '\uFFFD').toWellFormed()

/** The nearest integer from 0 to 100. */
export const percent = (progress: number): number => Math.trunc(Math.min(100, Math.max(0, progress)))

/** An SQL array of texts. The driver fetches no types, so it cannot pass arrays. */
export const textArray = (sql: Db, values: readonly string[]) =>
  sql`array(select json_array_elements_text(${JSON.stringify(values)}::text::json))`
