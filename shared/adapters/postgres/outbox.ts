/** The outbox to the Hub: per analysis strictly in order, analyses side by side. */
import type { AnalysisId, Report } from '../../po/model.ts'
import type { PendingReport } from '../../po/ports.ts'
import { type Clock, type Db, later, percent, storable } from './rows.ts'

interface ReportRow {
  readonly seq: string
  readonly id: AnalysisId
  readonly attempts: number
  readonly kind: Report['kind']
  readonly status: Extract<Report, { kind: 'log' }>['status']
  readonly progress: number | null
  readonly level: Extract<Report, { kind: 'log' }>['level']
  readonly message: string
}

const toRow = (id: AnalysisId, report: Report, now: Date) => ({
  id,
  kind: report.kind,
  status: report.status,
  progress: report.kind === 'status' && report.progress !== null ? percent(report.progress) : null,
  level: report.kind === 'log' ? report.level : null,
  message: report.kind === 'log' ? storable(report.message) : null,
  due_at: now,
})

function toReport({ kind, status, progress, level, message }: ReportRow): Report {
  if (kind === 'status' && status !== null) return { kind, status, progress }
  return { kind: 'log', level, message, status }
}

/** Appends in this order. Whoever calls it for a current analysis holds the lock of its row. */
export async function insertReports(tx: Db, id: AnalysisId, reports: readonly Report[], now: Date): Promise<void> {
  if (reports.length > 0) await tx`insert into po.report ${tx(reports.map((report) => toRow(id, report, now)))}`
}

/** Runs in a transaction of its own. @see Store.appendReports */
export async function appendReports(tx: Db, id: AnalysisId, reports: readonly Report[], clock: Clock): Promise<void> {
  await tx`select from po.analysis where id = ${id} for no key update`
  await insertReports(tx, id, reports, clock())
}

/** The ids with reports, found by skipping from one to the next: its cost is that of analyses, not of reports. */
const idsWithReports = (sql: Db) => sql`
  select (select id from po.report order by id limit 1) as id
  union all
  select (select next.id from po.report next where next.id > waiting.id order by next.id limit 1)
  from waiting where waiting.id is not null`

/** @see Store.claimReports */
export async function claimReports(
  sql: Db,
  now: Date,
  leaseMs: number,
  limit: number,
  id: AnalysisId | undefined,
): Promise<PendingReport[]> {
  const rows = await sql<ReportRow[]>`
    with recursive waiting as (
      ${id === undefined ? idsWithReports(sql) : sql`select ${id}::uuid as id`}
    ), head as materialized (
      select head.seq from waiting
      cross join lateral (
        select seq, due_at, claimed_until from po.report where id = waiting.id order by seq limit 1
      ) head
      where head.due_at <= ${now} and (head.claimed_until is null or head.claimed_until <= ${now})
    ), due as (
      select seq from po.report
      where seq in (select seq from head) and (claimed_until is null or claimed_until <= ${now})
      order by seq limit ${limit}
      for update skip locked
    )
    update po.report row set claimed_until = ${later(now, leaseMs)}
    from due where row.seq = due.seq
    returning row.seq, row.id, row.attempts, row.kind, row.status, row.progress, row.level, row.message`
  return rows.map((row) => ({ seq: row.seq, id: row.id, attempts: row.attempts, report: toReport(row) }))
}

/** @see Store.settleReport */
export async function settleReport(sql: Db, seq: string): Promise<void> {
  await sql`delete from po.report where seq = ${seq}`
}

/** Only the oldest report is ever claimed, so all wait when it waits. @see Store.postponeReports */
export async function postponeReports(sql: Db, id: AnalysisId, dueAt: Date): Promise<void> {
  await sql`
    update po.report set due_at = ${dueAt}, claimed_until = null, attempts = attempts + 1
    where seq = (select min(seq) from po.report where id = ${id})`
}
