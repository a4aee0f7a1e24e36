/** Log lines, snapshots, the archive and its reads. */
import { createHash } from 'node:crypto'
import { lineItem, listDigest } from '../../../shared/adapters/content-digest.ts'
import {
  type Analysis,
  type AnalysisId,
  type AnalysisKey,
  isLive,
  type LineLimits,
  type LogSnapshot,
} from '../../../shared/po/model.ts'
import type { ArchiveEntry } from '../../../shared/po/ports/archive.ts'
import type { EndedRef, KeptTexts } from '../../../shared/po/ports/logs.ts'
import type { RecordedFacts } from '../../../shared/po/ports/record.ts'
import type { PoStore } from '../../../shared/po/ports/store.ts'
import { insertChange, insertReports } from './outbox.ts'
import {
  type ArchiveRow,
  addLine,
  claimed,
  currentOf,
  forgetRow,
  forgetTexts,
  type LineRow,
  later,
  type RunRow,
  save,
  storable,
  type Tables,
} from './tables.ts'

const NO_FACTS: RecordedFacts = { journal: [], journalHead: '', lines: [], logs: [], changed: [] }
const SLACK = 32
const bytesOf = ({ message, status }: LineRow): number => Buffer.byteLength(message) + Buffer.byteLength(status)
const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0)

function excess(rows: readonly LineRow[], maxLines: number, maxBytes: number): { lines: number; bytes: number } | null {
  const [lines, bytes] = [rows.length, sum(rows.map(bytesOf))]
  if (lines <= maxLines && bytes <= maxBytes) return null
  const over = (value: number, max: number) => (value > max ? value - max + Math.floor(max / SLACK) : 0)
  return { lines: over(lines, maxLines), bytes: over(bytes, maxBytes) }
}

/** Deletes the oldest lines of a run, and counts them. */
function trim(tables: Tables, key: AnalysisKey, run: RunRow, over: { lines: number; bytes: number }): void {
  const gone = new Set<LineRow>()
  let bytes = 0
  for (const row of (tables.lines.get(key) ?? []).filter((line) => line.run === run.run)) {
    if (gone.size >= over.lines && bytes >= over.bytes) break
    gone.add(row)
    bytes += bytesOf(row)
  }
  tables.lines.set(
    key,
    (tables.lines.get(key) ?? []).filter((row) => !gone.has(row)),
  )
  const counted = { ...run, leftOut: run.leftOut + gone.size, leftOutBytes: run.leftOutBytes + bytes }
  tables.runs.set(
    key,
    (tables.runs.get(key) ?? []).map((row) => (row === run ? counted : row)),
  )
}

function keepWithin(tables: Tables, key: AnalysisKey, run: RunRow, limits: LineLimits): void {
  const all = tables.lines.get(key) ?? []
  const ofRun = excess(
    all.filter((row) => row.run === run.run),
    limits.runLines,
    limits.runBytes,
  )
  if (ofRun) {
    trim(tables, key, run, ofRun)
    return
  }
  const ofAll = excess(all, limits.analysisLines, limits.analysisBytes)
  const earliest = tables.runs.get(key)?.find(({ run: number }) => all.some((row) => row.run === number))
  if (ofAll && earliest) trim(tables, key, earliest, ofAll)
}

function appendLine(
  tables: Tables,
  ...[id, run, line, reports, limits]: Parameters<PoStore['appendLine']>
): Analysis | undefined {
  const before = currentOf(tables, id)
  if (!before) return undefined
  const { level, message, status } = line
  const progress = claimed(line.progress)
  const current = run === null || run === before.run
  const rose = current && progress > before.progress && progress <= 100
  const after = rose ? { ...before, progress } : before
  const told = reports(after, current, rose)
  if (rose) save(tables, after)
  const of = tables.runs.get(before.key)?.find((row) => row.run === (run ?? before.run))
  if (of) {
    addLine(tables, before.key, { level, message: storable(message), status: storable(status), progress, run: of.run })
    keepWithin(tables, before.key, of, limits)
  }
  insertReports(tables, id, told)
  return after
}

const byLog = (one: LogSnapshot, other: LogSnapshot): number =>
  one.run - other.run || one.kind.localeCompare(other.kind) || one.container.localeCompare(other.container)

function texts({ runs, lines, snapshots }: Tables, key: AnalysisKey): KeptTexts {
  return {
    runs: (runs.get(key) ?? []).map(({ run, leftOut, leftOutBytes }) => {
      const kept = (lines.get(key) ?? []).filter((line) => line.run === run)
      return { run, lines: { count: kept.length, bytes: sum(kept.map(bytesOf)), leftOut, leftOutBytes } }
    }),
    logs: [...(snapshots.get(key) ?? [])].sort(byLog).map(({ run, kind, container, text, leftOut }) => ({
      run,
      kind,
      container,
      bytes: Buffer.byteLength(text),
      leftOut,
    })),
  }
}

function digest(items: readonly string[]): string {
  const list = listDigest()
  for (const item of items) list.add(item)
  return list.end()
}

function entryOf(tables: Tables, analysis: Analysis, node: string, shortened: string | null): ArchiveEntry {
  const { key } = analysis
  const kept = texts(tables, key)
  const [lines, snapshots] = [tables.lines.get(key) ?? [], tables.snapshots.get(key) ?? []]
  return {
    version: 3,
    sequence: tables.archiveHead.sequence + 1,
    previous: tables.archiveHead.sha256,
    analysisId: analysis.id,
    spelling: analysis.spelling,
    projectId: analysis.projectId,
    image: analysis.image,
    registryHost: analysis.registryHost,
    outcome: analysis.state === 'stopping' ? 'stopped' : analysis.state,
    cause: analysis.cause,
    progress: analysis.progress,
    createdAt: analysis.createdAt.toISOString(),
    endedAt: analysis.since.toISOString(),
    node,
    shortened,
    runs: (tables.runs.get(key) ?? []).map(({ run, startedAt, endedAt, cause }, index) => ({
      run,
      startedAt: startedAt.toISOString(),
      endedAt: endedAt?.toISOString() ?? null,
      cause,
      lines: {
        ...(kept.runs[index]?.lines ?? { count: 0, bytes: 0, leftOut: 0, leftOutBytes: 0 }),
        sha256: digest(lines.filter((line) => line.run === run).map(lineItem)),
      },
    })),
    logs: kept.logs.map((log) => {
      const text = snapshots.find((one) => byLog(one, { ...one, ...log }) === 0)?.text ?? ''
      return { ...log, sha256: digest(text === '' ? [] : [text]) }
    }),
  }
}

type Sign = Parameters<PoStore['archive']>[2]

/** Made again if another entry was made meanwhile. */
async function signedEntry(tables: Tables, row: Analysis, node: string, sign: Sign, shorten: string | undefined) {
  for (;;) {
    const entry = entryOf(tables, row, node, shorten === undefined ? null : storable(shorten))
    const document = JSON.stringify(entry)
    const signature = await sign(document)
    if (tables.archiveHead.sequence + 1 === entry.sequence) return { entry, document, signature }
  }
}

function deleteTexts(tables: Tables, key: AnalysisKey): void {
  const kept = texts(tables, key)
  tables.runs.set(
    key,
    (tables.runs.get(key) ?? []).map((row, index) => {
      const { count = 0, bytes = 0 } = kept.runs[index]?.lines ?? {}
      return { ...row, leftOut: row.leftOut + count, leftOutBytes: row.leftOutBytes + bytes }
    }),
  )
  tables.lines.set(key, [])
  const emptied = (log: LogSnapshot) => ({ ...log, text: '', leftOut: log.leftOut + Buffer.byteLength(log.text) })
  tables.snapshots.set(key, (tables.snapshots.get(key) ?? []).map(emptied))
}

const DAY_MS = 24 * 60 * 60 * 1000
const MIB = 1024 * 1024
const PRUNED_AT_ONCE = 20

function pruneArchive(tables: Tables, { maxAgeDays, maxMiB }: Parameters<PoStore['pruneArchive']>[0]): number {
  const { archive, now } = tables
  const oldest = maxAgeDays > 0 ? later(now(), -maxAgeDays * DAY_MS) : undefined
  let bytes = 0
  const over: AnalysisKey[] = []
  for (const row of [...archive.values()].reverse()) {
    bytes += row.bytes
    if ((oldest && row.archivedAt < oldest) || (maxMiB > 0 && bytes > maxMiB * MIB)) over.unshift(row.key)
  }
  for (const key of over.slice(0, PRUNED_AT_ONCE)) {
    archive.delete(key)
    forgetTexts(tables, key)
  }
  return Math.min(over.length, PRUNED_AT_ONCE)
}

const byKey = <T extends { readonly key: AnalysisKey }>(rows: readonly T[]): T[] =>
  rows.toSorted((one, other) => Number(one.key) - Number(other.key))

function ended({ archive, analyses }: Tables, id: AnalysisId | undefined): EndedRef[] {
  const rows = [...archive.values(), ...[...analyses.values()].filter((row) => !isLive(row.state))]
  const wanted = byKey(rows.filter((row) => id === undefined || row.id === id))
  const first = (spelling: string) => wanted.find((row) => row.spelling === spelling)?.key ?? ('' as AnalysisKey)
  const refs = wanted.map(({ key, spelling }) => ({ key, spelling, first: first(spelling) }))
  return refs.sort((one, other) => Number(one.first) - Number(other.first) || Number(one.key) - Number(other.key))
}

/** Shortens the texts of the earliest runs until all fit. */
function shrunk(logs: readonly LogSnapshot[], maxBytes: number): LogSnapshot[] {
  let total = 0
  return logs
    .toSorted(byLog)
    .reverse()
    .map((log) => {
      const bytes = Buffer.byteLength(log.text)
      total += bytes
      return bytes > 0 && total > maxBytes ? { ...log, text: '', leftOut: log.leftOut + bytes } : log
    })
    .reverse()
}

export function archiving(
  tables: Tables,
): Pick<
  PoStore,
  | 'appendLine'
  | 'saveSnapshots'
  | 'seal'
  | 'record'
  | 'archive'
  | 'ended'
  | 'texts'
  | 'lines'
  | 'logPiece'
  | 'archiveEntries'
  | 'archiveHead'
  | 'unpackArchive'
  | 'pruneArchive'
> {
  const { analyses, snapshots } = tables
  const following = <T extends { readonly key: AnalysisKey }>(rows: readonly T[], after: AnalysisKey | undefined) => {
    const at = after === undefined ? -1 : rows.findIndex(({ key }) => key === after)
    return rows.slice(at + 1)
  }
  return {
    appendLine: async (...args) => appendLine(tables, ...args),
    saveSnapshots: async (key, taken, maxBytes) => {
      if (!analyses.has(key)) return
      const rows = new Map((snapshots.get(key) ?? []).map((row) => [`${row.run}/${row.kind}/${row.container}`, row]))
      for (const row of taken) {
        const { run, kind, container } = row
        const text = [...row.text].join('')
        rows.set(`${run}/${kind}/${container}`, { ...row, container: storable(container), text: storable(text) })
      }
      snapshots.set(key, shrunk([...rows.values()], maxBytes))
    },
    // Without the facts, which the database writes down by itself.
    seal: async (key, node, make) => {
      const row = analyses.get(key)
      if (!row || isLive(row.state) || tables.records.has(key)) return
      const envelope = await make(NO_FACTS, node, tables.now())
      if (analyses.get(key) !== row || tables.records.has(key)) return
      tables.records.set(key, { id: row.id, envelope })
    },
    record: async (id) => [...tables.records.values()].findLast((row) => row.id === id)?.envelope,
    archive: async (key, node, sign, shorten) => {
      const row = analyses.get(key)
      if (!row || isLive(row.state)) return
      if (shorten !== undefined) deleteTexts(tables, key)
      const { entry, document, signature } = await signedEntry(tables, row, node, sign, shorten)
      if (analyses.get(key) !== row) return
      if (row.state === 'stopping') insertChange(tables, row, 'stopped')
      const content = [...entry.runs.map(({ lines }) => lines.bytes), ...entry.logs.map(({ bytes }) => bytes)]
      const bytes = sum([...content, Buffer.byteLength(document), Buffer.byteLength(signature ?? '')])
      const { id, spelling } = row
      tables.archiveHead = { sequence: entry.sequence, sha256: createHash('sha256').update(document).digest('hex') }
      tables.archive.set(key, { key, id, spelling, archivedAt: tables.now(), document, signature, bytes })
      forgetRow(tables, key)
    },
    ended: async (after, limit, id) => following(ended(tables, id), after?.key).slice(0, limit),
    texts: async (key) => texts(tables, key),
    lines: async (key, run, after) => {
      const rows = (tables.lines.get(key) ?? []).filter(
        (row) => row.run === run && Number(row.seq) > Number(after ?? 0),
      )
      return rows.map(({ run: _, ...line }) => line)
    },
    logPiece: async (key, { run, kind, container }, n) => {
      const log = snapshots.get(key)?.find((row) => byLog(row, { ...row, run, kind, container }) === 0)
      return n === 0 && log && log.text !== '' ? log.text : undefined
    },
    archiveEntries: async (after, limit, id) =>
      following(
        byKey([...tables.archive.values()].filter((row: ArchiveRow) => id === undefined || row.id === id)),
        after,
      )
        .slice(0, limit)
        .map(({ key, document, signature }) => ({ key, document, signature })),
    archiveHead: async () => tables.archiveHead.sequence,
    unpackArchive: async () => false,
    pruneArchive: async (limits) => pruneArchive(tables, limits),
  }
}
