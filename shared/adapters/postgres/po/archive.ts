/** The archive of ended incarnations: signed documents with digests of the lines and logs, which are stored separately. */
import { createHash } from 'node:crypto'
import {
  type Analysis,
  type AnalysisId,
  type AnalysisKey,
  isLive,
  type RunNumber,
  type State,
} from '../../../po/model.ts'
import type { ArchivedLog, ArchivedRun, ArchiveEntry, Sign, StoredEntry } from '../../../po/ports/archive.ts'
import type { PoStore } from '../../../po/ports/store.ts'
import { type Clock, type Db, later, storable } from '../rows.ts'
import { forget, locked } from './analyses.ts'
import { texts } from './logs.ts'

/** An incarnation that is still being removed counts as stopped: nothing else stops in two steps. */
const outcomeOf = (state: State): State => (state === 'stopping' ? 'stopped' : state)

const LAYOUT = 2

/** The same text as from `lineItem` in `content-digest.ts`. */
const lineItem = (sql: Db) => sql`po.line_item(at, level, progress, status, message)`

const EMPTY_DIGEST = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** Digests of the lines of each run. The server keeps only 32 bytes per line in memory. */
async function lineDigests(sql: Db, key: AnalysisKey): Promise<Map<RunNumber, string>> {
  const rows = await sql<{ run: RunNumber; sha256: string }[]>`
    select run, encode(sha256(string_agg(sha256(convert_to(${lineItem(sql)}, 'UTF8')), ''::bytea order by seq)), 'hex')
      as sha256
    from po.line where key = ${key} group by run`
  return new Map(rows.map(({ run, sha256 }) => [run, sha256]))
}

async function logDigests(sql: Db, key: AnalysisKey): Promise<Map<string, string>> {
  const rows = await sql<{ log: string; sha256: string }[]>`
    select run || ' ' || kind || ' ' || container as log,
      encode(sha256(string_agg(sha256(convert_to(text, 'UTF8')), ''::bytea order by n)), 'hex') as sha256
    from po.snapshot_piece where key = ${key} group by run, kind, container`
  return new Map(rows.map(({ log, sha256 }) => [log, sha256]))
}

async function readRuns(sql: Db, key: AnalysisKey): Promise<ArchivedRun[]> {
  const rows = await sql<{ run: RunNumber; startedAt: Date; endedAt: Date | null; cause: string | null }[]>`
    select run, started_at as "startedAt", ended_at as "endedAt", cause from po.run where key = ${key} order by run`
  const counts = new Map((await texts(sql, key)).runs.map(({ run, lines }) => [run, lines]))
  const digests = await lineDigests(sql, key)
  const none = { count: 0, bytes: 0, leftOut: 0, leftOutBytes: 0 }
  return rows.map(({ run, startedAt, endedAt, cause }) => ({
    run,
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    cause,
    lines: { ...(counts.get(run) ?? none), sha256: digests.get(run) ?? EMPTY_DIGEST },
  }))
}

export async function readLogs(sql: Db, key: AnalysisKey): Promise<ArchivedLog[]> {
  const { logs } = await texts(sql, key)
  const digests = await logDigests(sql, key)
  return logs.map((log) => ({
    ...log,
    sha256: digests.get(`${log.run} ${log.kind} ${log.container}`) ?? EMPTY_DIGEST,
  }))
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

type Link = Pick<ArchiveEntry, 'sequence' | 'previous'>

/** The place of the next entry. The row stays locked until the transaction ends, so entries follow each other. */
async function nextLink(tx: Db): Promise<Link> {
  const [link] = await tx<[Link]>`
    insert into po.archive_head as row default values
    on conflict (singleton) do update set sequence = row.sequence
    returning (sequence + 1)::float8 as sequence, sha256 as previous`
  return link
}

/** Resolves to the sequence number of the entry that was made last. @see PoStore.archiveHead */
export async function archiveHead(sql: Db): Promise<number> {
  const [head] = await sql<{ sequence: number }[]>`select sequence::float8 as sequence from po.archive_head`
  return head?.sequence ?? 0
}

async function readEntry(
  sql: Db,
  analysis: Analysis,
  node: string,
  shortened: string | null,
  link: Link,
): Promise<ArchiveEntry> {
  return {
    version: 3,
    ...link,
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
    shortened,
    runs: await readRuns(sql, analysis.key),
    logs: await readLogs(sql, analysis.key),
  }
}

/** Deletes lines and logs, and counts them as left out. */
async function deleteTexts(tx: Db, key: AnalysisKey): Promise<void> {
  await tx`delete from po.line where key = ${key}`
  await tx`update po.line_chain set trimmed = sha256, trimmed_n = n where key = ${key}`
  await tx`delete from po.snapshot_piece where key = ${key}`
  await tx`
    update po.run set left_out_lines = left_out_lines + lines, left_out_bytes = left_out_bytes + line_bytes,
      lines = 0, line_bytes = 0
    where key = ${key}`
  await tx`
    update po.snapshot set left_out_bytes = left_out_bytes + bytes + octet_length(text), bytes = 0, text = '',
      truncated = true
    where key = ${key}`
}

const bytesOf = ({ runs, logs }: ArchiveEntry): number =>
  [...runs.map(({ lines }) => lines.bytes), ...logs.map(({ bytes }) => bytes)].reduce((sum, bytes) => sum + bytes, 0)

/** Runs in its own transaction. Signing is local and fast. @see PoStore.archive */
export async function archive(
  tx: Db,
  key: AnalysisKey,
  node: string,
  sign: Sign,
  shorten: string | undefined,
  clock: Clock,
): Promise<void> {
  const analysis = await locked(tx, key)
  if (!analysis || isLive(analysis.state)) return
  if (shorten !== undefined) await deleteTexts(tx, key)
  const link = await nextLink(tx)
  const entry = await readEntry(tx, analysis, node, shorten === undefined ? null : storable(shorten), link)
  const document = JSON.stringify(entry)
  const signature = await sign(document)
  const now = clock()
  const bytes = bytesOf(entry) + Buffer.byteLength(document) + Buffer.byteLength(signature ?? '')
  await tx`
    insert into po.archive (key, id, spelling, outcome, ended_at, archived_at, document, signature, bytes, layout)
    values (${key}, ${analysis.id}, ${analysis.spelling}, ${entry.outcome}, ${analysis.since}, ${now},
      ${document}, ${signature}, ${bytes}, ${LAYOUT})`
  await tx`update po.archive_head set sequence = ${link.sequence}, sha256 = ${sha256(document)}`
  await forget(tx, key, now)
}

export async function archiveEntries(
  sql: Db,
  after: AnalysisKey | undefined,
  limit: number,
  id: AnalysisId | undefined,
): Promise<StoredEntry[]> {
  const only = id === undefined ? sql`` : sql`and id = ${id}`
  return [
    ...(await sql<StoredEntry[]>`
      select key, document, signature from po.archive where key > ${after ?? '0'} ${only} order by key limit ${limit}`),
  ]
}

export async function unpackArchive(sql: Db): Promise<boolean> {
  const unpacked = await sql`
    select po.unpack_archive(key) from (select key from po.archive where layout = 1 order by key limit 1) former`
  return unpacked.length > 0
}

const DAY_MS = 24 * 60 * 60 * 1000
const MIB = 1024 * 1024
/** Entries per call: each may have a hundred thousand lines. */
const PRUNED_AT_ONCE = 20

export async function pruneArchive(
  sql: Db,
  limits: Parameters<PoStore['pruneArchive']>[0],
  now: Date,
): Promise<number> {
  const { maxAgeDays, maxMiB } = limits
  const tooOld = maxAgeDays > 0 ? sql`archived_at < ${later(now, -maxAgeDays * DAY_MS)}` : sql`false`
  const tooMuch = maxMiB > 0 ? sql`newer > ${maxMiB * MIB}` : sql`false`
  const pruned = await sql`
    delete from po.archive where key in (
      select key from (
        select key, archived_at, sum(bytes) over (order by archived_at desc, key desc) as newer from po.archive
      ) entry
      where ${tooOld} or ${tooMuch}
      order by key limit ${PRUNED_AT_ONCE}
    )`
  return pruned.count
}
