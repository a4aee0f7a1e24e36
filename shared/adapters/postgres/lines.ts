/** Log lines: appended, never read back or rewritten, so that each costs the same. */
import type { Analysis, AnalysisId, LogLine, Report, RunNumber } from '../../po/model.ts'
import { insertReports } from './outbox.ts'
import { analysisColumns, type Clock, type Db, percent, storable } from './rows.ts'

const INT4_MAX = 2 ** 31 - 1
/** As the writer claimed it; only a claim within 0..100 is ever believed. */
const claimed = (progress: number): number => Math.trunc(Math.min(INT4_MAX, Math.max(-INT4_MAX, progress)))

/** Our own lines about the current run. */
export async function insertLines(tx: Db, { key, run }: Analysis, lines: readonly LogLine[], now: Date): Promise<void> {
  if (lines.length === 0) return
  const rows = lines.map(({ level, message, status, progress }) => ({
    key,
    run,
    at: now,
    level,
    status: storable(status),
    progress: claimed(progress),
    message: storable(message),
  }))
  await tx`insert into po.line ${tx(rows)}`
}

export type LineReports = (analysis: Analysis, current: boolean, progressRose: boolean) => readonly Report[]

/** Runs in a transaction of its own. @see Store.appendLine */
export async function appendLine(
  tx: Db,
  id: AnalysisId,
  run: RunNumber | null,
  line: LogLine,
  reports: LineReports,
  clock: Clock,
): Promise<Analysis | undefined> {
  const now = clock()
  const progress = claimed(line.progress)
  // The row is locked first: the order of lines and reports is the order of their transactions.
  const [row] = await tx<(Analysis & { rose: boolean })[]>`
    with row as (
      select * from po.analysis where id = ${id} for no key update
    ), raised as (
      update po.analysis target set progress = ${percent(progress)}
      from row
      where target.key = row.key
        and row.run = coalesce(${run}::integer, row.run)
        and ${progress}::integer between target.progress + 1 and 100
      returning target.key
    ), line as (
      insert into po.line (key, run, at, level, status, progress, message)
      select key, coalesce(${run}::integer, run), ${now}::timestamptz, ${line.level}, ${storable(line.status)},
        ${progress}::integer, ${storable(line.message)}
      from row
    )
    select ${analysisColumns(tx)}, exists (select from raised) as rose from row`
  if (!row) return undefined
  const { rose, ...before } = row
  const analysis = rose ? { ...before, progress } : before
  await insertReports(tx, id, reports(analysis, run === null || run === analysis.run, rose), now)
  return analysis
}
