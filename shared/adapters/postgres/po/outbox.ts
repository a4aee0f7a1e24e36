/** The Hub's outbox: the queue of reports. */
import type { AnalysisId, Report } from '../../../po/model.ts'
import type { PendingReport } from '../../../po/ports/outbox.ts'
import { claimOldest, type QueueClaim } from '../queue.ts'
import { type Clock, type Db, percent, storable } from '../rows.ts'
import { leftOutLine } from './backlog.ts'

type LogReport = Extract<Report, { kind: 'log' }>

interface ReportRow extends Omit<PendingReport, 'report'>, Pick<LogReport, 'status' | 'level' | 'message'> {
  readonly kind: Report['kind']
  readonly progress: number | null
  readonly leftOut: number
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

function toReport({ kind, status, progress, level, message, leftOut }: ReportRow): Report {
  if (leftOut > 0) return leftOutLine(leftOut)
  if (kind === 'status' && status !== null) return { kind, status, progress }
  return { kind: 'log', level, message, status }
}

/** Appends in this order. The caller holds the lock of the row, if there is a current incarnation. */
export async function insertReports(tx: Db, id: AnalysisId, reports: readonly Report[], now: Date): Promise<void> {
  if (reports.length > 0) await tx`insert into po.report ${tx(reports.map((report) => toRow(id, report, now)))}`
}

/** Runs in its own transaction. @see PoStore.appendReports */
export async function appendReports(tx: Db, id: AnalysisId, reports: readonly Report[], clock: Clock): Promise<void> {
  await tx`select from po.analysis where id = ${id} for no key update`
  await insertReports(tx, id, reports, clock())
}

const COLUMNS =
  'row.seq, row.id, row.attempts, row.unfinished, row.kind, row.status, row.progress, row.level, row.message, row.left_out as "leftOut"'

export async function claimReports(sql: Db, options: QueueClaim): Promise<PendingReport[]> {
  const rows = await claimOldest<ReportRow>(sql, 'po.report', COLUMNS, options)
  return rows.map((row) => {
    const { seq, id, attempts, unfinished } = row
    return { seq, id, attempts, unfinished, report: toReport(row) }
  })
}
