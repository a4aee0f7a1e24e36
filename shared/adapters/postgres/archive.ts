/** Container logs of incarnations, the archive of finished ones, and what can be read of both. */
import {
  type Analysis,
  type AnalysisId,
  type AnalysisKey,
  isLive,
  LIVE_STATES,
  type LogSnapshot,
  type State,
} from '../../po/model.ts'
import type { ArchiveEntry, HistoryRow, Sign, Store } from '../../po/ports.ts'
import { forget, locked } from './analyses.ts'
import { analysisColumns, type Clock, type Db, later, storable } from './rows.ts'

/** Runs in a transaction of its own; does nothing when the row is gone. @see Store.saveSnapshots */
export async function saveSnapshots(tx: Db, key: AnalysisKey, snapshots: readonly LogSnapshot[]): Promise<void> {
  if (snapshots.length === 0 || !(await locked(tx, key))) return
  for (const { run, kind, container, text, truncated } of snapshots) {
    await tx`
      insert into po.snapshot (key, run, kind, container, truncated, text)
      values (${key}, ${run}, ${kind}, ${storable(container)}, ${truncated}, ${storable(text)})
      on conflict (key, run, kind, container) do update set truncated = excluded.truncated, text = excluded.text`
  }
}

type Written<T, Times extends keyof T> = Omit<T, Times> & Readonly<Record<Times, Date>>
type RunRow = Omit<Written<ArchiveEntry['runs'][number], 'startedAt'>, 'endedAt'> & { readonly endedAt: Date | null }
type LineRow = Written<ArchiveEntry['lines'][number], 'at'>

/** An incarnation that is still being removed counts as stopped: nothing else stops in two steps. */
const outcomeOf = (state: State): State => (state === 'stopping' ? 'stopped' : state)

async function readEntry(sql: Db, analysis: Analysis, node: string): Promise<ArchiveEntry> {
  const { key } = analysis
  const runs = await sql<RunRow[]>`
    select run, started_at as "startedAt", ended_at as "endedAt", cause from po.run where key = ${key} order by run`
  const lines = await sql<LineRow[]>`
    select run, at, level, status, progress, message from po.line where key = ${key} order by seq`
  const logs = await sql<ArchiveEntry['logs'][number][]>`
    select run, kind, container, truncated, text from po.snapshot where key = ${key} order by run, kind, container`
  return {
    analysisId: analysis.id,
    spelling: analysis.spelling,
    projectId: analysis.projectId,
    image: analysis.image,
    registryHost: analysis.registryHost,
    outcome: outcomeOf(analysis.state),
    cause: analysis.cause,
    progress: analysis.progress,
    createdAt: analysis.createdAt.toISOString(),
    endedAt: analysis.since.toISOString(),
    node,
    runs: runs.map((row) => ({
      ...row,
      startedAt: row.startedAt.toISOString(),
      endedAt: row.endedAt?.toISOString() ?? null,
    })),
    lines: lines.map((row) => ({ ...row, at: row.at.toISOString() })),
    logs: [...logs],
  }
}

/** Runs in a transaction of its own; signing is work of this process. @see Store.archive */
export async function archive(tx: Db, key: AnalysisKey, node: string, sign: Sign, clock: Clock): Promise<void> {
  const analysis = await locked(tx, key)
  if (!analysis || isLive(analysis.state)) return
  const entry = await readEntry(tx, analysis, node)
  const document = JSON.stringify(entry)
  const signature = await sign(document)
  const now = clock()
  const bytes = Buffer.byteLength(document) + Buffer.byteLength(signature ?? '')
  await tx`
    insert into po.archive (key, id, spelling, outcome, ended_at, archived_at, document, signature, bytes)
    values (${key}, ${analysis.id}, ${analysis.spelling}, ${entry.outcome}, ${analysis.since}, ${now},
      ${document}, ${signature}, ${bytes})`
  await forget(tx, key, now)
}

const lineText = ({ at, level, message }: ArchiveEntry['lines'][number]): string => `${at} ${level} ${message}`

/** The container's log of each run; where none was taken, the lines that the run streamed. */
function historyOf(entry: ArchiveEntry): HistoryRow[] {
  return entry.runs.flatMap(({ run }) => {
    const logs = entry.logs.filter((log) => log.run === run)
    const rows = logs.map(({ kind, text }) => ({ spelling: entry.spelling, run, kind, text }))
    const lines = entry.lines.filter((line) => line.run === run)
    if (lines.length === 0 || logs.some(({ kind }) => kind === 'analysis')) return rows
    return [{ spelling: entry.spelling, run, kind: 'analysis' as const, text: lines.map(lineText).join('\n') }, ...rows]
  })
}

/** @see Store.history */
export async function history(sql: Db, id: AnalysisId | undefined): Promise<HistoryRow[]> {
  const only = id === undefined ? sql`` : sql`and id = ${id}`
  const ended = await sql<Analysis[]>`
    select ${analysisColumns(sql)} from po.analysis row where state not in ${sql(LIVE_STATES)} ${only} order by key`
  const rows = new Map<string, HistoryRow[]>()
  // Documents can be large: one at a time is in memory beside the texts themselves.
  const archived = sql<{ key: string; document: string }[]>`
    select key, document from po.archive where true ${only} order by key`
  for await (const [row] of archived.cursor(1)) {
    if (row) rows.set(row.key, historyOf(JSON.parse(row.document) as ArchiveEntry))
  }
  for (const analysis of ended) {
    if (!rows.has(analysis.key)) rows.set(analysis.key, historyOf(await readEntry(sql, analysis, '')))
  }
  return [...rows].sort(([a], [b]) => Number(a) - Number(b)).flatMap(([, texts]) => texts)
}

/** @see Store.archiveEntries */
export async function archiveEntries(sql: Db, id: AnalysisId | undefined) {
  const only = id === undefined ? sql`` : sql`where id = ${id}`
  return [
    ...(await sql<{ document: string; signature: string | null }[]>`
      select document, signature from po.archive ${only} order by key`),
  ]
}

const DAY_MS = 24 * 60 * 60 * 1000
const MIB = 1024 * 1024

/** @see Store.pruneArchive */
export async function pruneArchive(sql: Db, limits: Parameters<Store['pruneArchive']>[0], now: Date): Promise<number> {
  const { maxAgeDays, maxMiB } = limits
  const tooOld = maxAgeDays > 0 ? sql`archived_at < ${later(now, -maxAgeDays * DAY_MS)}` : sql`false`
  const tooMuch = maxMiB > 0 ? sql`newer > ${maxMiB * MIB}` : sql`false`
  const pruned = await sql`
    delete from po.archive where key in (
      select key from (
        select key, archived_at, sum(bytes) over (order by archived_at desc, key desc) as newer from po.archive
      ) entry
      where ${tooOld} or ${tooMuch}
    )`
  return pruned.count
}
