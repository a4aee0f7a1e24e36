/** Fixture of the suite: two empty stores for each test, a clock, and builders of analyses. */
import { randomUUID } from 'node:crypto'
import { beforeEach, expect } from 'vitest'
import { history } from '../../../shared/po/history.ts'
import type {
  Analysis,
  AnalysisChange,
  AnalysisId,
  AnalysisKey,
  LineLimits,
  LogLine,
  Outcome,
  Report,
  RunNumber,
} from '../../../shared/po/model.ts'
import type { NewAnalysis } from '../../../shared/po/ports/analyses.ts'
import type { PoStore } from '../../../shared/po/ports/store.ts'
import { wholeLogs } from '../../texts.ts'

export interface StorePair {
  readonly store: PoStore
  /** The same data through other connections. */
  readonly other: PoStore
}

/** Makes two stores on the same, empty data that take the time from this clock; called before each test. */
export type MakeStore = (now: () => Date) => Promise<StorePair>

export interface Subject {
  readonly store: PoStore
  readonly other: PoStore
  readonly now: () => Date
  /** Advances the clock by this many milliseconds. */
  readonly pass: (ms: number) => Date
}

export const LEASE_MS = 60_000
const START = Date.parse('2026-01-05T08:00:00.250Z')

/** Makes stores before each test; the fields are those of the test that runs. */
export function prepare(make: MakeStore): Subject {
  let pair: StorePair | undefined
  let time = START
  const now = () => new Date(time)
  const present = (): StorePair => {
    if (!pair) throw new Error('no test is running')
    return pair
  }
  beforeEach(async () => {
    time = START
    pair = await make(now)
  })
  return {
    get store() {
      return present().store
    },
    get other() {
      return present().other
    },
    now,
    pass: (ms) => {
      time += ms
      return now()
    },
  }
}

export const newId = (): AnalysisId => randomUUID() as AnalysisId

export const input = (fields: Partial<NewAnalysis> = {}): NewAnalysis => {
  const id = fields.id ?? newId()
  return {
    id,
    spelling: id,
    projectId: '7a5d7c3e-1d0c-4f3b-9a52-0f4c6a3b2d11',
    image: 'harbor.example/project/mean:latest',
    registryHost: 'harbor.example',
    needsKong: true,
    restartCounter: 0,
    progress: 0,
    requestedBy: null,
    leaseMs: LEASE_MS,
    ...fields,
  }
}

/** Begins an analysis, after the roots of earlier incarnations are marked as removed. */
export async function begun(store: PoStore, fields: Partial<NewAnalysis> = {}): Promise<Analysis> {
  const result = await store.begin(input(fields))
  if (result.kind === 'unreleased') {
    await store.markRootRemoved(result.removal.key)
    return begun(store, fields)
  }
  if (result.kind !== 'begun') throw new Error(`begin answered ${result.kind}`)
  return result.analysis
}

export async function executing(store: PoStore, fields: Partial<NewAnalysis> = {}): Promise<Analysis> {
  const { key } = await begun(store, fields)
  return moved(await store.transition(key, ['starting'], 'executing', { claimedUntil: null }))
}

/** The analysis after a transition, which must have succeeded. */
export function moved(analysis: Analysis | undefined): Analysis {
  expect(analysis).toBeDefined()
  if (!analysis) throw new Error('the move was lost')
  return analysis
}

/** Ends a live analysis like a use case, and completes its removal. */
export async function ended(store: PoStore, { key }: Analysis, outcome: Outcome = 'stopped'): Promise<Analysis> {
  const analysis = await store.transition(key, ['starting', 'executing'], outcome, { removal: { archive: false } })
  await store.completeRemoval(key)
  return moved(analysis)
}

/** Ends and archives. */
export async function archived(store: PoStore, analysis: Analysis, outcome?: Outcome): Promise<void> {
  await ended(store, analysis, outcome)
  await store.archive(analysis.key, 'node', unsigned)
}

export const unsigned = () => Promise.resolve(null)
export const noReports = (): readonly Report[] => []

export const line = (fields: Partial<LogLine> = {}): LogLine => ({
  level: 'info',
  message: 'a line',
  status: 'executing',
  progress: 0,
  ...fields,
})

/** More than any test writes, except those about limits. */
export const LIMITS: LineLimits = { runLines: 1000, runBytes: 2 ** 20, analysisLines: 2000, analysisBytes: 2 ** 21 }
export const LOG_BYTES = 64 * 1024 * 1024

export const append = (
  store: PoStore,
  id: AnalysisId,
  run: RunNumber | null,
  said: LogLine,
  reports: Parameters<PoStore['appendLine']>[3] = noReports,
  limits: LineLimits = LIMITS,
): Promise<Analysis | undefined> => store.appendLine(id, run, said, reports, limits)

/** The whole answer of `history`. */
export const historyOf = (store: PoStore, id?: AnalysisId, spelling: string = id ?? '') =>
  wholeLogs(history({ store }, id && { id, spelling }))

export const note = (message: string): Report => ({ kind: 'log', level: 'info', message, status: null })

/** So many at the same time, half of them through each store. */
export const together = <T>(
  { store, other }: Subject,
  count: number,
  work: (store: PoStore, nth: number) => Promise<T>,
) => Promise.all(Array.from({ length: count }, (_, nth) => work(nth % 2 === 0 ? store : other, nth)))

/** Claims and settles all due reports, and returns them in the order of their claims. */
export async function drain(store: PoStore, now: Date, id?: AnalysisId): Promise<Report[]> {
  const reports: Report[] = []
  for (;;) {
    const batch = await store.claimReports(now, LEASE_MS, 100, id)
    if (batch.length === 0) return reports
    for (const { seq, report } of batch) {
      reports.push(report)
      await store.settleReport(seq)
    }
  }
}

/** The same with changes. */
export async function toldChanges(store: PoStore, now: Date): Promise<AnalysisChange[]> {
  const changes: AnalysisChange[] = []
  for (;;) {
    const batch = await store.claimChanges(now, LEASE_MS, 100)
    if (batch.length === 0) return changes
    for (const { seq, change } of batch) {
      changes.push(change)
      await store.settleChange(seq)
    }
  }
}

export const keysOf = (rows: readonly { readonly key: AnalysisKey }[]): AnalysisKey[] => rows.map(({ key }) => key)
