/** How rows become words of the model. */
import type { ISql } from 'postgres'
import type { Analysis, Removal } from '../../po/model.ts'

/** A pool, or a transaction: query functions take either. */
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

/** All columns of an analysis whose table is called `row` in the statement. */
export const analysisColumns = (sql: Db) => sql.unsafe(ANALYSIS_LIST)
/** The same for a removal. */
export const removalColumns = (sql: Db) => sql.unsafe(REMOVAL_LIST)

export const later = (at: Date, ms: number): Date => new Date(at.getTime() + ms)

/** A lease is doubled so often at most. */
const DOUBLINGS = 6

/**
 * What each claim writes: the attempt is counted before it is made, and the lease doubles with each attempt that was never
 * ended, since its process died. So work that kills its process is tried less and less often.
 */
export const claimed = (sql: Db, now: Date, leaseMs: number) => sql`
  claimed_until = ${now}::timestamptz + ${leaseMs} * interval '1 ms' * 2 ^ least(row.unfinished, ${DOUBLINGS}),
  unfinished = row.unfinished + 1`

/** PostgreSQL keeps no NUL and no half of a character; analyses print anything. */
export const storable = (text: string): string => text.replaceAll('\0', '\uFFFD').toWellFormed()

/** A whole number from 0 to 100; anything beyond is its nearest. */
export const percent = (progress: number): number => Math.trunc(Math.min(100, Math.max(0, progress)))

/** A list of texts as an array: the driver is told no types, so it knows none of arrays. */
export const texts = (sql: Db, values: readonly string[]) =>
  sql`array(select json_array_elements_text(${JSON.stringify(values)}::text::json))`
