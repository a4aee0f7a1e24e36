/** Incarnations: their start, their moves between states, and claims. */
import {
  type Analysis,
  isLive,
  parseAnalysisId,
  type RunEvidence,
  type RunNumber,
  type State,
} from '../../../shared/po/model.ts'
import type { AnalysisPatch, BeginResult, NewAnalysis, SpecField } from '../../../shared/po/ports/analyses.ts'
import type { PoStore } from '../../../shared/po/ports/store.ts'
import { insertChange, insertReports } from './outbox.ts'
import { recordRemoval } from './removals.ts'
import {
  addLine,
  addRun,
  claimed,
  claimedRow,
  currentOf,
  endRun,
  forget,
  isFree,
  later,
  percent,
  save,
  storable,
  type Tables,
} from './tables.ts'

const canonical = (projectId: string): string => parseAnalysisId(projectId) ?? projectId

function differences(row: Analysis, input: NewAnalysis): SpecField[] {
  return [
    ...(canonical(row.projectId) === canonical(input.projectId) ? [] : (['project_id'] as const)),
    ...(row.image === input.image ? [] : (['image_url'] as const)),
    ...(row.registryHost === input.registryHost ? [] : (['registry_url'] as const)),
  ]
}

function insert(tables: Tables, input: NewAnalysis): Analysis {
  const now = tables.now()
  const run = (Math.max(tables.identities.get(input.id) ?? 0, input.restartCounter) + 1) as RunNumber
  const { restartCounter, leaseMs, requestedBy, progress, ...spec } = input
  tables.identities.set(input.id, run)
  tables.lastKey += 1
  const row = save(tables, {
    ...spec,
    spelling: storable(spec.spelling),
    projectId: storable(spec.projectId),
    image: storable(spec.image),
    registryHost: storable(spec.registryHost),
    key: String(tables.lastKey) as Analysis['key'],
    state: 'starting',
    progress: percent(progress),
    cause: null,
    firstRun: run,
    run,
    restarts: 0,
    since: now,
    runSince: now,
    dueAt: now,
    claimedUntil: later(now, leaseMs),
    silentPolls: 0,
    silentSince: null,
    reapplied: false,
    unfinished: 0,
    lastFault: null,
    partners: {},
    createdAt: now,
  })
  addRun(tables, row.key, run, now)
  insertChange(tables, row, 'starting')
  return row
}

function begin(tables: Tables, input: NewAnalysis): BeginResult {
  const current = currentOf(tables, input.id)
  if (current && isLive(current.state)) {
    const fields = differences(current, input)
    return fields.length > 0 ? { kind: 'differs', analysis: current, fields } : { kind: 'running', analysis: current }
  }
  const removals = [...tables.removals.values()].filter(({ id }) => id === input.id)
  const now = tables.now()
  if (removals.some(({ clientHeldUntil }) => clientHeldUntil && clientHeldUntil > now)) return { kind: 'busy' }
  const removal = removals.find(({ rootRemoved }) => !rootRemoved)
  if (removal) return { kind: 'unreleased', removal }
  return current ? { kind: 'ended', analysis: current } : { kind: 'begun', analysis: insert(tables, input) }
}

function runFields(tables: Tables, before: Analysis, cause: string | null, now: Date): Partial<Analysis> {
  endRun(tables, before, cause, now)
  const run = ((tables.identities.get(before.id) ?? 0) + 1) as RunNumber
  tables.identities.set(before.id, run)
  addRun(tables, before.key, run, now)
  return { run, restarts: before.restarts + 1, runSince: now, reapplied: false, silentPolls: 0, silentSince: null }
}

const storableEvidence = (evidence: RunEvidence): RunEvidence => ({
  ...evidence,
  cause: storable(evidence.cause),
  lastLines: evidence.lastLines.map(storable),
})

function patched(tables: Tables, before: Analysis, to: State, patch: AnalysisPatch): Analysis {
  const now = tables.now()
  const cause = patch.cause === undefined ? before.cause : patch.cause && storable(patch.cause)
  if (isLive(before.state) && !isLive(to)) endRun(tables, before, cause, now)
  return {
    ...before,
    state: to,
    since: before.state === to ? before.since : now,
    cause,
    progress: Math.max(before.progress, percent(patch.progress ?? 0)),
    dueAt: patch.dueAt ?? before.dueAt,
    claimedUntil: patch.claimedUntil === undefined ? before.claimedUntil : patch.claimedUntil,
    reapplied: patch.reapplied ?? before.reapplied,
    lastFault: patch.evidence ? storableEvidence(patch.evidence) : before.lastFault,
    ...(patch.nextRun ? runFields(tables, before, cause ?? before.cause, now) : {}),
  }
}

function transition(
  tables: Tables,
  ...[key, from, to, patch = {}, run]: Parameters<PoStore['transition']>
): Analysis | undefined {
  const before = tables.analyses.get(key)
  if (!before || !from.includes(before.state) || (run !== undefined && run !== before.run)) return undefined
  const after = save(tables, patched(tables, before, to, patch))
  for (const { level, message, status, progress } of patch.lines ?? []) {
    const line = { level, message: storable(message), status: storable(status), progress: claimed(progress) }
    addLine(tables, key, { ...line, run: after.run })
  }
  insertReports(tables, after.id, patch.reports ?? [])
  if (before.state !== after.state || before.run !== after.run) insertChange(tables, after, to)
  if (patch.removal) recordRemoval(tables, before, { archive: patch.removal.archive, logsTaken: false })
  return after
}

function abandon(tables: Tables, key: Analysis['key']): boolean {
  const before = tables.analyses.get(key)
  if (before?.state !== 'starting') return false
  recordRemoval(tables, { ...before, claimedUntil: null }, { archive: false, logsTaken: true })
  insertChange(tables, { ...before, cause: null }, 'withdrawn')
  forget(tables, key)
  return true
}

const isDue = (row: Analysis, now: Date): boolean =>
  isLive(row.state) && row.dueAt <= now && isFree(row.claimedUntil, now)

function due({ analyses }: Tables, now: Date): Analysis[] {
  const rows = [...analyses.values()].filter((row) => isDue(row, now))
  return rows.sort((one, other) => one.dueAt.getTime() - other.dueAt.getTime())
}

export function incarnations(
  tables: Tables,
): Pick<
  PoStore,
  | 'begin'
  | 'find'
  | 'list'
  | 'listStates'
  | 'findByKey'
  | 'transition'
  | 'abandon'
  | 'recordPoll'
  | 'claimDue'
  | 'claimSuspects'
  | 'claim'
  | 'releaseClaims'
  | 'listDue'
  | 'savePartners'
> {
  const { analyses } = tables
  return {
    begin: async (input) => begin(tables, input),
    find: async (id) => currentOf(tables, id),
    list: async () => [...analyses.values()],
    listStates: async () =>
      [...analyses.values()].map(({ spelling, state, progress }) => ({ spelling, state, progress })),
    findByKey: async (key) => analyses.get(key),
    transition: async (...args) => transition(tables, ...args),
    abandon: async (key) => abandon(tables, key),
    recordPoll: async (key, run, outcome, at) => {
      const row = analyses.get(key)
      if (row?.run !== run) return
      const silence = { silentPolls: row.silentPolls + 1, silentSince: row.silentSince ?? at }
      save(tables, { ...row, ...(outcome === 'heard' ? { silentPolls: 0, silentSince: null } : silence) })
    },
    claimDue: async (now, leaseMs, limit) =>
      due(tables, now)
        .filter(({ unfinished }) => unfinished === 0)
        .slice(0, limit)
        .map((row) => save(tables, claimedRow(row, now, leaseMs))),
    claimSuspects: async (now, leaseMs, sizes) => {
      const suspects = due(tables, now).filter(({ unfinished }) => unfinished > 0)
      const fewest = Math.min(...suspects.map(({ unfinished }) => unfinished))
      const size = sizes[Math.min(fewest, sizes.length) - 1] ?? 0
      const group = suspects.filter(({ unfinished }) => unfinished === fewest).slice(0, size)
      return group.map((row) => save(tables, claimedRow(row, now, leaseMs)))
    },
    claim: async (id, now, leaseMs) => {
      const row = currentOf(tables, id)
      return row && isDue(row, now) ? save(tables, claimedRow(row, now, leaseMs)) : undefined
    },
    releaseClaims: async (keys) => {
      for (const key of keys) {
        const row = analyses.get(key)
        if (row) save(tables, { ...row, claimedUntil: null, unfinished: 0 })
      }
    },
    listDue: async (now, limit) =>
      due(tables, now)
        .slice(0, limit)
        .map(({ id }) => id),
    savePartners: async (key, partners) => {
      const row = analyses.get(key)
      if (row) save(tables, { ...row, partners })
    },
  }
}
