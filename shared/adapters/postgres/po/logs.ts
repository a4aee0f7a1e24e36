/**
 * Logs of containers, and the stored lines of an incarnation. Both are read and written in pieces, to bound the memory of
 * statements and processes.
 */
import type { AnalysisId, AnalysisKey, RunNumber } from '../../../po/model.ts'
import { LIVE_STATES } from '../../../po/model.ts'
import type { EndedRef, KeptLine, KeptLog, KeptTexts, TakenLog } from '../../../po/ports/logs.ts'
import { type Db, storable } from '../rows.ts'
import { locked } from './analyses.ts'

/** Approximate number of characters of a piece. */
const PIECE_LENGTH = 131_072

/** Splits no surrogate pair: both halves would be stored as U+FFFD. */
function* cut(text: Iterable<string>): Generator<string> {
  if (typeof text !== 'string') return yield* joined(text)
  for (let at = 0; at < text.length; ) {
    const end = at + PIECE_LENGTH
    const splits = /[\uD800-\uDBFF]/.test(text[end - 1] ?? '') && end < text.length
    yield text.slice(at, splits ? end - 1 : end)
    at = splits ? end - 1 : end
  }
}

/** Joins pieces of whole characters until they are long enough. */
function* joined(pieces: Iterable<string>): Generator<string> {
  let whole = ''
  for (const piece of pieces) {
    whole += piece
    if (whole.length < PIECE_LENGTH) continue
    yield whole
    whole = ''
  }
  if (whole !== '') yield whole
}

type LogRef = Pick<KeptLog, 'run' | 'kind' | 'container'>

const isLog = (sql: Db, key: AnalysisKey, { run, kind, container }: LogRef) =>
  sql`key = ${key} and run = ${run} and kind = ${kind} and container = ${container}`

async function saveSnapshot(tx: Db, key: AnalysisKey, snapshot: TakenLog): Promise<void> {
  const { run, kind, leftOut } = snapshot
  const container = storable(snapshot.container)
  const log = { run, kind, container }
  // Lock the row of the log first, so concurrent writers of one log run one after the other.
  await tx`
    insert into po.snapshot (key, run, kind, container, truncated, bytes, left_out_bytes)
    values (${key}, ${run}, ${kind}, ${container}, ${leftOut > 0}, 0, ${leftOut})
    on conflict (key, run, kind, container) do update set
      truncated = excluded.truncated, text = '', bytes = 0, left_out_bytes = excluded.left_out_bytes`
  await tx`delete from po.snapshot_piece where ${isLog(tx, key, log)}`
  let [n, bytes] = [0, 0]
  for (const taken of cut(snapshot.text)) {
    const piece = storable(taken)
    bytes += Buffer.byteLength(piece)
    await tx`
      insert into po.snapshot_piece (key, run, kind, container, n, text)
      values (${key}, ${run}, ${kind}, ${container}, ${n}, ${piece})`
    n += 1
  }
  await tx`update po.snapshot set bytes = ${bytes} where ${isLog(tx, key, log)}`
}

/** Deletes texts of the earliest runs until the rest is within the limit. Their rows stay with the number of bytes. */
async function shrink(tx: Db, key: AnalysisKey, maxBytes: number): Promise<void> {
  await tx`
    with kept as (
      select run, kind, container, sum(bytes) over (order by run desc, kind desc, container desc) as total
      from po.snapshot where key = ${key} and bytes > 0
    ), over as (
      update po.snapshot row set left_out_bytes = left_out_bytes + bytes, bytes = 0, truncated = true, text = ''
      from kept
      where row.key = ${key} and row.run = kept.run and row.kind = kept.kind and row.container = kept.container
        and kept.total > ${maxBytes}
      returning row.run, row.kind, row.container
    )
    delete from po.snapshot_piece piece using over
    where piece.key = ${key} and piece.run = over.run and piece.kind = over.kind and piece.container = over.container`
}

/** Thrown to roll back when the incarnation was deleted meanwhile. */
class Gone extends Error {}

/**
 * Locks the incarnation last, so its lines do not wait for its logs. Runs in its own transaction.
 * @see PoStore.saveSnapshots
 */
export async function saveSnapshots(
  tx: Db,
  key: AnalysisKey,
  snapshots: readonly TakenLog[],
  maxBytes: number,
): Promise<void> {
  for (const snapshot of snapshots) await saveSnapshot(tx, key, snapshot)
  if (snapshots.length > 0) await shrink(tx, key, maxBytes)
  if (!(await locked(tx, key))) throw new Gone()
}

/** Resolves also if the incarnation was deleted; then nothing was written. */
export async function unlessGone(work: Promise<void>): Promise<void> {
  try {
    await work
  } catch (error) {
    if (!(error instanceof Gone)) throw error
  }
}

export async function ended(
  sql: Db,
  after: EndedRef | undefined,
  limit: number,
  id: AnalysisId | undefined,
): Promise<EndedRef[]> {
  const only = id === undefined ? sql`` : sql`and id = ${id}`
  const rest = after ? sql`where (first, key) > (${after.first}::bigint, ${after.key}::bigint)` : sql``
  return [
    ...(await sql<EndedRef[]>`
      select key, spelling, first from (
        select key, spelling, min(key) over (partition by spelling) as first from (
          select key, spelling from po.archive where true ${only}
          union
          select key, spelling from po.analysis where state not in ${sql(LIVE_STATES)} ${only}
        ) incarnation
      ) ordered ${rest}
      order by first, key limit ${limit}`),
  ]
}

/** Splits logs that the previous version wrote, which may still be running. */
async function cutSnapshots(sql: Db, key: AnalysisKey): Promise<void> {
  const [uncut] = await sql`select from po.snapshot where key = ${key} and text <> '' limit 1`
  if (uncut) await sql`select po.cut_snapshots(${key})`
}

export async function texts(sql: Db, key: AnalysisKey): Promise<KeptTexts> {
  await cutSnapshots(sql, key)
  const runs = await sql<{ run: RunNumber; count: string; bytes: string; leftOut: string; leftOutBytes: string }[]>`
    select run, line_bytes as bytes, left_out_lines as "leftOut", left_out_bytes as "leftOutBytes",
      -- The previous version, which may still be running, does not count lines.
      case when lines > 0 then lines
        else (select count(*) from (select from po.line where key = row.key and run = row.run limit 1) line) end as count
    from po.run row where key = ${key} order by run`
  const logs = await sql<(LogRef & { bytes: string; leftOut: string })[]>`
    select run, kind, container, bytes, left_out_bytes as "leftOut"
    from po.snapshot where key = ${key} order by run, kind, container`
  return {
    runs: runs.map(({ run, ...counts }) => ({
      run,
      lines: {
        count: Number(counts.count),
        bytes: Number(counts.bytes),
        leftOut: Number(counts.leftOut),
        leftOutBytes: Number(counts.leftOutBytes),
      },
    })),
    logs: logs.map((log) => ({ ...log, bytes: Number(log.bytes), leftOut: Number(log.leftOut) })),
  }
}

const PAGE_LINES = 1000
const PAGE_BYTES = 256 * 1024

export async function lines(sql: Db, key: AnalysisKey, run: RunNumber, after: string | undefined): Promise<KeptLine[]> {
  return [
    ...(await sql<KeptLine[]>`
      select seq, at, level, status, progress, message from (
        select *, sum(octet_length(message) + octet_length(status)) over (order by seq)
          - octet_length(message) - octet_length(status) as before
        from (
          select * from po.line where key = ${key} and run = ${run} and seq > ${after ?? '0'}
          order by seq limit ${PAGE_LINES}
        ) page
      ) line
      where before < ${PAGE_BYTES} order by seq`),
  ]
}

export async function logPiece(sql: Db, key: AnalysisKey, log: LogRef, n: number): Promise<string | undefined> {
  const [piece] = await sql<{ text: string }[]>`
    select text from po.snapshot_piece where ${isLog(sql, key, log)} and n = ${n}`
  return piece?.text
}
