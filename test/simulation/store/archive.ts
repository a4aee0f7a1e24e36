/** Log lines, snapshots, the archive and what can be read of it. */
import { type Analysis, type AnalysisId, type AnalysisKey, isLive } from '../../../shared/po/model.ts'
import type { ArchiveEntry, HistoryRow, Store } from '../../../shared/po/ports.ts'
import { insertChange, insertReports } from './outbox.ts'
import { type ArchiveRow, claimed, currentOf, forget, later, save, storable, type Tables } from './tables.ts'

function appendLine(
  tables: Tables,
  ...[id, run, line, reports]: Parameters<Store['appendLine']>
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
  const row = { level, message: storable(message), status: storable(status), progress, run: run ?? before.run }
  tables.lines.set(before.key, [...(tables.lines.get(before.key) ?? []), { ...row, at: tables.now() }])
  insertReports(tables, id, told)
  return after
}

function entryOf({ runs, lines, snapshots }: Tables, analysis: Analysis, node: string): ArchiveEntry {
  const { key } = analysis
  const logs = [...(snapshots.get(key) ?? [])].sort(
    (one, other) =>
      one.run - other.run || one.kind.localeCompare(other.kind) || one.container.localeCompare(other.container),
  )
  return {
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
    runs: (runs.get(key) ?? []).map(({ run, startedAt, endedAt, cause }) => ({
      run,
      startedAt: startedAt.toISOString(),
      endedAt: endedAt?.toISOString() ?? null,
      cause,
    })),
    lines: (lines.get(key) ?? []).map(({ run, at, level, status, progress, message }) => ({
      run,
      at: at.toISOString(),
      level,
      status,
      progress,
      message,
    })),
    logs: logs.map(({ run, kind, container, truncated, text }) => ({ run, kind, container, truncated, text })),
  }
}

/** The container's log of each run, or the lines that it streamed. */
function historyOf({ spelling, runs, lines, logs }: ArchiveEntry): HistoryRow[] {
  return runs.flatMap(({ run }) => {
    const texts = logs.filter((log) => log.run === run).map(({ kind, text }) => ({ spelling, run, kind, text }))
    const streamed = lines.filter((line) => line.run === run)
    if (streamed.length === 0 || texts.some(({ kind }) => kind === 'analysis')) return texts
    const text = streamed.map(({ at, level, message }) => `${at} ${level} ${message}`).join('\n')
    return [{ spelling, run, kind: 'analysis' as const, text }, ...texts]
  })
}

const DAY_MS = 24 * 60 * 60 * 1000
const MIB = 1024 * 1024
const bytesOf = ({ document, signature }: ArchiveRow): number =>
  Buffer.byteLength(document) + Buffer.byteLength(signature ?? '')

function pruneArchive({ archive, now }: Tables, { maxAgeDays, maxMiB }: Parameters<Store['pruneArchive']>[0]): number {
  const oldest = maxAgeDays > 0 ? later(now(), -maxAgeDays * DAY_MS) : undefined
  let bytes = 0
  let gone = 0
  for (const row of [...archive.values()].reverse()) {
    bytes += bytesOf(row)
    if (!(oldest && row.archivedAt < oldest) && !(maxMiB > 0 && bytes > maxMiB * MIB)) continue
    archive.delete(row.key)
    gone += 1
  }
  return gone
}

const byKey = <T extends { readonly key: AnalysisKey }>(rows: readonly T[]): T[] =>
  rows.toSorted((one, other) => Number(one.key) - Number(other.key))

export function archiving(
  tables: Tables,
): Pick<Store, 'appendLine' | 'saveSnapshots' | 'archive' | 'history' | 'archiveEntries' | 'pruneArchive'> {
  const { analyses, snapshots } = tables
  const archived = (id: AnalysisId | undefined) =>
    byKey([...tables.archive.values()].filter((row) => id === undefined || row.id === id))
  return {
    appendLine: async (...args) => appendLine(tables, ...args),
    saveSnapshots: async (key, taken) => {
      if (!analyses.has(key)) return
      const rows = new Map((snapshots.get(key) ?? []).map((row) => [`${row.run}/${row.kind}/${row.container}`, row]))
      for (const row of taken) {
        const { run, kind, container, text } = row
        rows.set(`${run}/${kind}/${container}`, { ...row, container: storable(container), text: storable(text) })
      }
      snapshots.set(key, [...rows.values()])
    },
    archive: async (key, node, sign) => {
      const row = analyses.get(key)
      if (!row || isLive(row.state)) return
      const document = JSON.stringify(entryOf(tables, row, node))
      const signature = await sign(document)
      if (analyses.get(key) !== row) return
      if (row.state === 'stopping') insertChange(tables, row, 'stopped')
      tables.archive.set(key, { key, id: row.id, archivedAt: tables.now(), document, signature })
      forget(tables, key)
    },
    history: async (id) => {
      const ended = [...analyses.values()].filter((row) => !isLive(row.state) && (id === undefined || row.id === id))
      const entries = [
        ...archived(id).map(({ key, document }) => ({ key, entry: JSON.parse(document) as ArchiveEntry })),
        ...ended.map((row) => ({ key: row.key, entry: entryOf(tables, row, '') })),
      ]
      return byKey(entries).flatMap(({ entry }) => historyOf(entry))
    },
    archiveEntries: async (id) => archived(id).map(({ document, signature }) => ({ document, signature })),
    pruneArchive: async (limits) => pruneArchive(tables, limits),
  }
}
