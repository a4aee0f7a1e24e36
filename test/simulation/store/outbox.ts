/** Two outboxes: reports to the Hub and changes to the sink, each in order per analysis. */
import type { Analysis, AnalysisId, ChangeTo, Report } from '../../../shared/po/model.ts'
import type { PoStore } from '../../../shared/po/ports/store.ts'
import { claimedRow, isFree, nextSeq, percent, type Queued, type ReportRow, storable, type Tables } from './tables.ts'

type Incarnation = Pick<Analysis, 'id' | 'run' | 'progress' | 'cause'>

const stored = (report: Report): Report =>
  report.kind === 'log'
    ? { ...report, message: storable(report.message) }
    : { ...report, progress: report.progress === null ? null : percent(report.progress) }

function push<T>(queues: Map<AnalysisId, T[]>, id: AnalysisId, row: T): void {
  const queue = queues.get(id)
  if (queue) queue.push(row)
  else queues.set(id, [row])
}

export function insertReports(tables: Tables, id: AnalysisId, reports: readonly Report[]): void {
  for (const report of reports) {
    const row = { seq: nextSeq(tables, 'report'), id, report: stored(report), attempts: 0, unfinished: 0, omitted: 0 }
    push(tables.reports, id, { ...row, dueAt: tables.now(), claimedUntil: null })
  }
}

export function insertChange(tables: Tables, { id, run, progress, cause }: Incarnation, to: ChangeTo): void {
  const at = tables.now()
  const change = { id, run, to, progress, cause, at }
  const counts = { attempts: 0, unfinished: 0 }
  push(tables.changes, id, { seq: nextSeq(tables, 'change'), id, change, ...counts, dueAt: at, claimedUntil: null })
}

/** Claims the oldest entry of each queue that is due, oldest first. */
function claimHeads<T extends Queued>(queues: Iterable<T[]>, now: Date, leaseMs: number, limit: number): T[] {
  const due: { queue: T[]; head: T }[] = []
  for (const queue of queues) {
    const [head] = queue
    if (head && head.dueAt <= now && isFree(head.claimedUntil, now)) due.push({ queue, head })
  }
  due.sort((one, other) => one.head.unfinished - other.head.unfinished || Number(one.head.seq) - Number(other.head.seq))
  const fresh = due.filter(({ head }) => head.unfinished === 0)
  return (fresh.length > 0 ? fresh.slice(0, limit) : due.slice(0, 1)).map(({ queue, head }) => {
    const claimed = claimedRow(head, now, leaseMs)
    queue[0] = claimed
    return claimed
  })
}

function settle<T extends Queued>(queues: Map<AnalysisId, T[]>, seq: string): void {
  for (const [id, queue] of queues) {
    const at = queue.findIndex((row) => row.seq === seq)
    if (at >= 0) queue.splice(at, 1)
    if (queue.length === 0) queues.delete(id)
  }
}

function postpone<T extends Queued>(queues: Map<AnalysisId, T[]>, id: AnalysisId, dueAt: Date): void {
  const queue = queues.get(id)
  const head = queue?.[0]
  if (queue && head) queue[0] = { ...head, dueAt, claimedUntil: null, unfinished: 0, attempts: head.attempts + 1 }
}

const lineOf = (count: number): Report => {
  const message = `POBACKLOG: ${count} log line${count === 1 ? '' : 's'} left out while the Hub could not be reached`
  return { kind: 'log', level: 'warn', message, status: null }
}

/**
 * Drops lines of one analysis except the newest `limit` and claimed ones. One line replaces the first of them, and the lines
 * that replaced earlier ones.
 */
function cap(queue: ReportRow[], limit: number, now: Date): number {
  const isLine = ({ report, omitted }: ReportRow) => report.kind === 'log' && omitted === 0
  const stays = queue.filter(isLine).at(-limit)
  if (!stays) return 0
  const isOld = ({ seq, report, claimedUntil }: ReportRow) =>
    report.kind === 'log' && Number(seq) < Number(stays.seq) && isFree(claimedUntil, now)
  const old = queue.filter(isOld)
  const [first] = old
  const lines = old.filter(isLine).length
  if (!first || (lines === 0 && old.length === 1)) return 0
  const omitted = old.reduce((sum, row) => sum + Math.max(1, row.omitted), 0)
  const kept = queue.filter((row) => row === first || !old.includes(row))
  queue.splice(
    0,
    queue.length,
    ...kept.map((row) => (row === first ? { ...row, report: lineOf(omitted), omitted } : row)),
  )
  return lines
}

export function outbox(
  tables: Tables,
): Pick<
  PoStore,
  | 'appendReports'
  | 'claimReports'
  | 'settleReport'
  | 'postponeReports'
  | 'retryReportsNow'
  | 'capReports'
  | 'claimChanges'
  | 'settleChange'
  | 'postponeChanges'
  | 'dropChanges'
> {
  const { reports, changes } = tables
  return {
    appendReports: async (id, added) => insertReports(tables, id, added),
    claimReports: async (now, leaseMs, limit, id) => {
      const queues = id === undefined ? reports.values() : [reports.get(id) ?? []]
      const heads = claimHeads(queues, now, leaseMs, limit)
      return heads.map(({ seq, id, attempts, unfinished, report }) => ({ seq, id, attempts, unfinished, report }))
    },
    settleReport: async (seq) => settle(reports, seq),
    postponeReports: async (id, dueAt) => postpone(reports, id, dueAt),
    retryReportsNow: async (now) => {
      const hastened = (row: ReportRow) => (row.attempts > 0 && row.dueAt > now ? { ...row, dueAt: now } : row)
      for (const [id, queue] of reports) reports.set(id, queue.map(hastened))
    },
    capReports: async (limit) => {
      let gone = 0
      for (const queue of reports.values()) gone += cap(queue, limit, tables.now())
      return gone
    },
    claimChanges: async (now, leaseMs, limit) => {
      const heads = claimHeads(changes.values(), now, leaseMs, limit)
      return heads.map(({ seq, attempts, unfinished, change }) => ({ seq, attempts, unfinished, change }))
    },
    settleChange: async (seq) => settle(changes, seq),
    postponeChanges: async (id, dueAt) => postpone(changes, id, dueAt),
    dropChanges: async () => changes.clear(),
  }
}
