/** Records of ended incarnations, made from what was written down while they ran. */
import { type Analysis, type AnalysisId, type AnalysisKey, isLive, type RunNumber } from '../../../po/model.ts'
import type { Envelope, JournalEntry, RecordedFacts, RecordedLines } from '../../../po/ports/record.ts'
import type { PoStore } from '../../../po/ports/store.ts'
import type { Clock, Db } from '../rows.ts'
import { locked } from './analyses.ts'
import { readLogs } from './archive.ts'

/** Entries of the journal that are not as they were written, and a row of the analysis that does not fit its request. */
async function changedEntries(sql: Db, key: AnalysisKey): Promise<string[]> {
  const [row] = await sql<[{ changed: number | null; isWhole: boolean; fits: boolean }]>`
    with entry as (
      select n, sha256, sha256 is distinct from (case when before is null then digest else sha256(before || digest) end)
        as changed
      from (
        select n, sha256, lag(sha256) over (order by n) as before,
          sha256(convert_to(po.journal_item(at, kind, run, body), 'UTF8')) as digest
        from po.journal where key = ${key}
      ) read
    )
    select
      (select min(n) from entry where changed) as changed,
      (select count(*) from entry) = (select n from po.journal_head where key = ${key})
        and exists (select from entry join po.journal_head head using (n, sha256) where head.key = ${key}) as "isWhole",
      exists (
        select from po.journal join po.analysis using (key)
        where key = ${key} and n = 1 and kind = 'request' and body = po.request_of(analysis)::text
      ) as fits`
  const { changed, isWhole, fits } = row
  return [
    ...(changed === null ? [] : [`entry ${changed} of the journal is not the one that was written`]),
    ...(isWhole ? [] : ['entries of the journal were deleted or added']),
    ...(fits ? [] : ['the analysis is not the one that was asked for']),
  ]
}

/** Lines of runs that are not as they were written, or are missing. */
async function changedLines(sql: Db, key: AnalysisKey): Promise<string[]> {
  const rows = await sql<{ run: RunNumber; place: number | null; missing: number | null }[]>`
    with item as materialized (
      select run, seq, chain, sha256(convert_to(po.line_item(at, level, progress, status, message), 'UTF8')) as digest
      from po.line where key = ${key}
    ), line as (
      select item.run, item.chain, digest, coalesce(trimmed_n, 0) + row_number() over run as place,
        coalesce(lag(item.chain) over run, trimmed) as before
      from item left join po.line_chain chain on chain.key = ${key} and chain.run = item.run
      window run as (partition by item.run order by seq)
    ), found as (
      select run, count(*) as lines, max(place) as last, min(place) filter (
        where chain is distinct from (case when before is null then digest else sha256(before || digest) end)
      ) as place
      from line group by run
    ), judged as (
      select run, found.place, chain.n - chain.trimmed_n - coalesce(found.lines, 0) as missing,
        coalesce((select line.chain from line where line.run = chain.run and line.place = found.last), trimmed)
          is not distinct from sha256 as is_head
      from (select * from po.line_chain where key = ${key}) chain full join found using (run)
    )
    select run, place::float8 as place, missing::float8 as missing from judged
    where place is not null or missing is null or missing <> 0 or not is_head
    order by run`
  return rows.map(({ run, place, missing }) => {
    if (place !== null) return `line ${place} of run ${run} is not the one that was written`
    if (missing !== null && missing > 0) return `${missing} lines at the end of run ${run} were deleted`
    return `the lines of run ${run} are not those that were counted`
  })
}

const readLines = async (sql: Db, key: AnalysisKey): Promise<RecordedLines[]> => [
  ...(await sql<RecordedLines[]>`
    select run, n::float8 as count, trimmed_n::float8 as "leftOut", encode(sha256, 'hex') as head
    from po.line_chain where key = ${key} order by run`),
]

async function readFacts(sql: Db, { key }: Analysis): Promise<RecordedFacts> {
  const entries = await sql<(Omit<JournalEntry, 'at'> & { at: Date; sha256: string })[]>`
    select at, kind, run, body, encode(sha256, 'hex') as sha256 from po.journal where key = ${key} order by n`
  return {
    journal: entries.map(({ at, kind, run, body }) => ({ at: at.toISOString(), kind, run, body })),
    journalHead: entries.at(-1)?.sha256 ?? '',
    lines: await readLines(sql, key),
    logs: await readLogs(sql, key),
    changed: [...(await changedEntries(sql, key)), ...(await changedLines(sql, key))],
  }
}

/** Runs in its own transaction. Signing is local and fast. @see PoStore.seal */
export async function seal(tx: Db, [key, node, make]: Parameters<PoStore['seal']>, clock: Clock): Promise<void> {
  const analysis = await locked(tx, key)
  if (!analysis || isLive(analysis.state)) return
  const present = await tx`select from po.record where key = ${key}`
  if (present.length > 0) return
  const now = clock()
  const envelope = await make(await readFacts(tx, analysis), node, now)
  await tx`insert into po.record (key, id, made_at, envelope) values (${key}, ${analysis.id}, ${now}, ${JSON.stringify(envelope)})`
}

/** @see PoStore.record */
export async function record(sql: Db, id: AnalysisId, run: RunNumber | undefined): Promise<Envelope | undefined> {
  const had = run === undefined ? sql`` : sql`and exists (select from po.run where key = record.key and run = ${run})`
  const [row] = await sql<{ envelope: string }[]>`
    select envelope from po.record where id = ${id} ${had} order by key desc limit 1`
  return row && (JSON.parse(row.envelope) as Envelope)
}
