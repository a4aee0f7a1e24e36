/** Log lines: appended, never updated. Beyond a limit the oldest are deleted, so the cost per line is constant. */
import type { Analysis, AnalysisId, AnalysisKey, LineLimits, LogLine, Report, RunNumber } from '../../../po/model.ts'
import { analysisColumns, type Clock, type Db, percent, storable } from '../rows.ts'
import { insertReports } from './outbox.ts'

const INT4_MAX = 2 ** 31 - 1
/** The progress according to the writer, as an integer that the column can store. */
const claimed = (progress: number): number => Math.trunc(Math.min(INT4_MAX, Math.max(-INT4_MAX, progress)))

/** Bytes of a line that count towards limits. */
const sizeOf = ({ status, message }: Pick<LogLine, 'status' | 'message'>): number =>
  Buffer.byteLength(status) + Buffer.byteLength(message)

/** Lines of the orchestrator about the current run. They are few and short, so they are counted but not limited. */
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
  const bytes = rows.reduce((sum, row) => sum + sizeOf(row), 0)
  await tx`insert into po.line ${tx(rows)}`
  await tx`
    update po.run set lines = lines + ${rows.length}, line_bytes = line_bytes + ${bytes} where key = ${key} and run = ${run}`
}

/** When a limit is exceeded, 1/32 of it is deleted at once. */
const SLACK = 32
/** Lines that one statement reads. */
const STEP = 2000

interface Excess {
  readonly lines: number
  readonly bytes: number
}

/** What to delete, with some slack; null if no limit is exceeded. */
function excess(lines: number, bytes: number, maxLines: number, maxBytes: number): Excess | null {
  if (lines <= maxLines && bytes <= maxBytes) return null
  const over = (value: number, max: number) => (value > max ? value - max + Math.floor(max / SLACK) : 0)
  return { lines: over(lines, maxLines), bytes: over(bytes, maxBytes) }
}

/** Deletes the oldest lines of a run, at most `STEP`; a later call deletes the rest. */
async function trim(tx: Db, key: AnalysisKey, run: RunNumber, over: Excess): Promise<void> {
  await tx`
    with line as (
      select seq, octet_length(message) + octet_length(status) as size from po.line
      where key = ${key} and run = ${run}
        and seq > (select trimmed_to from po.run where key = ${key} and run = ${run})
      order by seq limit ${STEP}
    ), oldest as (
      select seq, size, row_number() over (order by seq) as nth, sum(size) over (order by seq) as total from line
    ), gone as (
      delete from po.line using oldest
      where key = ${key} and po.line.seq = oldest.seq
        and (nth <= ${over.lines} or total - size < ${over.bytes})
      returning po.line.seq, size, chain
    ), sum as (
      select count(*) as lines, coalesce(sum(size), 0) as bytes, max(seq) as last from gone
    ), cut as (
      update po.line_chain row set
        trimmed_n = trimmed_n + sum.lines,
        trimmed = coalesce((select chain from gone where seq = sum.last), trimmed)
      from sum where row.key = ${key} and row.run = ${run}
    )
    update po.run row set
      lines = row.lines - sum.lines, line_bytes = row.line_bytes - sum.bytes,
      left_out_lines = left_out_lines + sum.lines, left_out_bytes = left_out_bytes + sum.bytes,
      trimmed_to = coalesce(sum.last, trimmed_to)
    from sum where row.key = ${key} and row.run = ${run}`
}

interface Counts {
  readonly lines: number
  readonly bytes: number
  readonly allLines: number
  readonly allBytes: number
}

/** Trims the run, or the earliest run with lines if only the limits of the analysis are exceeded. */
async function keepWithin(tx: Db, key: AnalysisKey, run: RunNumber, counts: Counts, limits: LineLimits): Promise<void> {
  const { runLines, runBytes, analysisLines, analysisBytes } = limits
  const ofRun = excess(counts.lines, counts.bytes, runLines, runBytes)
  if (ofRun) {
    await trim(tx, key, run, ofRun)
    return
  }
  const ofAll = excess(counts.allLines, counts.allBytes, analysisLines, analysisBytes)
  if (!ofAll) return
  const [earliest] = await tx<{ run: RunNumber }[]>`
    select run from po.run where key = ${key} and lines > 0 order by run limit 1`
  if (earliest) await trim(tx, key, earliest.run, ofAll)
}

type LineReports = (analysis: Analysis, current: boolean, progressRose: boolean) => readonly Report[]

type Appended = Analysis & { readonly rose: boolean; readonly counts: Counts | null }

/** Runs in its own transaction. @see PoStore.appendLine */
export async function appendLine(
  tx: Db,
  id: AnalysisId,
  run: RunNumber | null,
  line: LogLine,
  reports: LineReports,
  limits: LineLimits,
  clock: Clock,
): Promise<Analysis | undefined> {
  const now = clock()
  const progress = claimed(line.progress)
  const [status, message] = [storable(line.status), storable(line.message)]
  // Lock the row first, so lines and reports have the order of their transactions.
  const [row] = await tx<Appended[]>`
    with row as (
      select * from po.analysis where id = ${id} for no key update
    ), raised as (
      update po.analysis target set progress = ${percent(progress)}
      from row
      where target.key = row.key
        and row.run = coalesce(${run}::integer, row.run)
        and ${progress}::integer between target.progress + 1 and 100
      returning target.key
    ), counted as (
      update po.run target set lines = lines + 1, line_bytes = line_bytes + ${sizeOf({ status, message })}
      from row
      where target.key = row.key and target.run = coalesce(${run}::integer, row.run)
      returning target.key, target.run, lines, line_bytes
    ), line as (
      insert into po.line (key, run, at, level, status, progress, message)
      select key, run, ${now}::timestamptz, ${line.level}, ${status}, ${progress}::integer, ${message} from counted
    )
    select ${analysisColumns(tx)}, exists (select from raised) as rose, (
      select json_build_object(
        'lines', counted.lines, 'bytes', counted.line_bytes,
        'allLines', counted.lines + coalesce(sum(other.lines), 0),
        'allBytes', counted.line_bytes + coalesce(sum(other.line_bytes), 0)
      )
      from counted left join po.run other on other.key = counted.key and other.run <> counted.run
      group by counted.lines, counted.line_bytes
    ) as counts from row`
  if (!row) return undefined
  const { rose, counts, ...before } = row
  const analysis = rose ? { ...before, progress } : before
  if (counts) await keepWithin(tx, analysis.key, run ?? analysis.run, counts, limits)
  await insertReports(tx, id, reports(analysis, run === null || run === analysis.run, rose), now)
  return analysis
}
