/** Two outboxes that work alike: reports to the Hub and changes to the sink, each in order per analysis. */
import type { AnalysisId, ChangeTo, Report } from '../../../shared/po/model.ts'
import type { Store } from '../../../shared/po/ports.ts'
import { isFree, later, nextSeq, percent, type Queued, type ReportRow, storable, type Tables } from './tables.ts'

type Incarnation = Pick<ReportSource, 'id' | 'run' | 'progress' | 'cause'>
interface ReportSource {
  readonly id: AnalysisId
  readonly run: Tables['analyses'] extends Map<unknown, infer Row extends { run: unknown }> ? Row['run'] : never
  readonly progress: number
  readonly cause: string | null
}

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
    const row = { seq: nextSeq(tables), id, report: stored(report), attempts: 0, omitted: 0 }
    push(tables.reports, id, { ...row, dueAt: tables.now(), claimedUntil: null })
  }
}

export function insertChange(tables: Tables, { id, run, progress, cause }: Incarnation, to: ChangeTo): void {
  const at = tables.now()
  const change = { id, run, to, progress, cause, at }
  push(tables.changes, id, { seq: nextSeq(tables), id, change, attempts: 0, dueAt: at, claimedUntil: null })
}

/** Claims the oldest of each queue, if it is due. */
function claimHeads<T extends Queued>(queues: Iterable<T[]>, now: Date, leaseMs: number, limit: number): T[] {
  const heads: T[] = []
  for (const queue of queues) {
    const [head] = queue
    if (!head || heads.length >= limit || head.dueAt > now || !isFree(head.claimedUntil, now)) continue
    queue[0] = { ...head, claimedUntil: later(now, leaseMs) }
    heads.push(head)
  }
  return heads.sort((one, other) => Number(one.seq) - Number(other.seq))
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
  if (queue && head) queue[0] = { ...head, dueAt, claimedUntil: null, attempts: head.attempts + 1 }
}

const isLine = ({ report }: ReportRow): boolean => report.kind === 'log'

/** Leaves out the oldest lines of one analysis, but for the newest `limit`; one line takes the place of the last of them. */
function cap(queue: ReportRow[], limit: number): number {
  const lines = queue.filter((row) => isLine(row) && row.omitted === 0)
  const gone = lines.slice(0, Math.max(0, lines.length - limit))
  const last = gone.at(-1)
  if (!last) return 0
  const gaps = queue.filter(({ omitted }) => omitted > 0)
  const omitted = gone.length + gaps.reduce((sum, row) => sum + row.omitted, 0)
  const report = { kind: 'log', level: 'warn', message: `${omitted} lines left out`, status: null } as const
  queue.splice(queue.indexOf(last), 1, { ...last, report, omitted })
  const dropped = new Set([...gone.slice(0, -1), ...gaps])
  queue.splice(0, queue.length, ...queue.filter((row) => !dropped.has(row)))
  return gone.length
}

export function outbox(
  tables: Tables,
): Pick<
  Store,
  | 'appendReports'
  | 'claimReports'
  | 'settleReport'
  | 'postponeReports'
  | 'hastenReports'
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
      return heads.map(({ seq, id, attempts, report }) => ({ seq, id, attempts, report }))
    },
    settleReport: async (seq) => settle(reports, seq),
    postponeReports: async (id, dueAt) => postpone(reports, id, dueAt),
    hastenReports: async (now) => {
      const hastened = (row: ReportRow) => (row.attempts > 0 && row.dueAt > now ? { ...row, dueAt: now } : row)
      for (const [id, queue] of reports) reports.set(id, queue.map(hastened))
    },
    capReports: async (limit) => {
      let gone = 0
      for (const queue of reports.values()) gone += cap(queue, limit)
      return gone
    },
    claimChanges: async (now, leaseMs, limit) => {
      const heads = claimHeads(changes.values(), now, leaseMs, limit)
      return heads.map(({ seq, attempts, change }) => ({ seq, attempts, change }))
    },
    settleChange: async (seq) => settle(changes, seq),
    postponeChanges: async (id, dueAt) => postpone(changes, id, dueAt),
    dropChanges: async () => changes.clear(),
  }
}
