/**
 * A record of the effects of the store's calls, independent of the kind of store. Each effect is one step of the simulation, so
 * their order is that of the commits.
 */
import type { Analysis, AnalysisId, AnalysisKey, ChangeTo, Report, RunNumber, State } from '../../../shared/po/model.ts'
import { isLive } from '../../../shared/po/model.ts'
import type { AnalysisPatch, BeginResult } from '../../../shared/po/ports/analyses.ts'
import type { PoStore } from '../../../shared/po/ports/store.ts'

export interface Incarnation {
  readonly key: AnalysisKey
  readonly id: AnalysisId
  readonly firstRun: RunNumber
  run: RunNumber
  state: State | 'withdrawn'
  progress: number
  /** Milliseconds since the start. */
  endedAt: number | undefined
  /** Where it is stored; a cleanup of the tables removes it. */
  place: 'rows' | 'archive' | 'nowhere'
  /** It was executed, or a user asked to delete it: it must be archived. */
  toArchive: boolean
}

export interface StatusReport {
  readonly key: AnalysisKey | undefined
  readonly run: RunNumber | undefined
  readonly report: Extract<Report, { kind: 'status' }>
}

/** Checks of recorded effects. */
export interface LedgerWatch {
  readonly begun: (incarnation: Incarnation, former: RunNumber | undefined) => void
  readonly moved: (incarnation: Incarnation, from: State, to: State, patch: AnalysisPatch) => void
  readonly progressed: (incarnation: Incarnation, from: number, to: number) => void
  readonly reported: (id: AnalysisId, status: StatusReport) => void
  /** A run enters a state that it was in before. */
  readonly repeated: (id: AnalysisId, run: RunNumber, to: ChangeTo) => void
}

export interface Ledger {
  readonly incarnations: ReadonlyMap<AnalysisKey, Incarnation>
  readonly byRun: (id: AnalysisId, run: RunNumber) => Incarnation | undefined
  readonly live: (id: AnalysisId) => Incarnation | undefined
  /** The store, with its effects recorded. */
  readonly over: (store: PoStore) => PoStore
  /** Moves in order. */
  readonly changes: ReadonlyMap<AnalysisId, readonly { readonly run: RunNumber; readonly to: ChangeTo }[]>
  /** Statuses that are to be reported to the Hub, in order. */
  readonly statuses: ReadonlyMap<AnalysisId, readonly StatusReport[]>
}

export function createLedger(elapsed: () => number, watch: LedgerWatch): Ledger {
  const incarnations = new Map<AnalysisKey, Incarnation>()
  const runs = new Map<string, Incarnation>()
  const highest = new Map<AnalysisId, RunNumber>()
  const changes = new Map<AnalysisId, { run: RunNumber; to: ChangeTo }[]>()
  const statuses = new Map<AnalysisId, StatusReport[]>()

  const change = ({ id, run }: Incarnation, to: ChangeTo): void => {
    const moves = changes.get(id) ?? []
    if (moves.some((move) => move.run === run && move.to === to)) watch.repeated(id, run, to)
    changes.set(id, [...moves, { run, to }])
  }

  const report = (id: AnalysisId, of: Incarnation | undefined, reports: readonly Report[]): void => {
    for (const told of reports) {
      if (told.kind !== 'status') continue
      const status = { key: of?.key, run: of?.run, report: told }
      statuses.set(id, [...(statuses.get(id) ?? []), status])
      watch.reported(id, status)
    }
  }

  const begun = ({ key, id, firstRun, run, state, progress }: Analysis): void => {
    const fresh = {
      key,
      id,
      firstRun,
      run,
      state,
      progress,
      endedAt: undefined,
      place: 'rows' as const,
      toArchive: false,
    }
    incarnations.set(key, fresh)
    runs.set(`${id}/${run}`, fresh)
    watch.begun(fresh, highest.get(id))
    highest.set(id, run)
    change(fresh, 'starting')
  }

  const nextRun = (incarnation: Incarnation, run: RunNumber): void => {
    watch.begun({ ...incarnation, run }, highest.get(incarnation.id))
    highest.set(incarnation.id, run)
    incarnation.run = run
    runs.set(`${incarnation.id}/${run}`, incarnation)
  }

  const progressed = (incarnation: Incarnation, to: number): void => {
    watch.progressed(incarnation, incarnation.progress, to)
    incarnation.progress = to
  }

  /** What a move changes of the incarnation. True if it is another state, or another run. */
  const follow = (incarnation: Incarnation, after: Analysis, patch: AnalysisPatch): boolean => {
    const { state, run } = incarnation
    if (run !== after.run) nextRun(incarnation, after.run)
    progressed(incarnation, after.progress)
    incarnation.state = after.state
    if (!isLive(after.state)) incarnation.endedAt ??= elapsed()
    incarnation.toArchive ||= patch.removal?.archive ?? false
    return state !== after.state || run !== after.run
  }

  const moved = (after: Analysis, patch: AnalysisPatch): void => {
    const incarnation = incarnations.get(after.key)
    if (!incarnation || incarnation.state === 'withdrawn') return
    const from = incarnation.state
    const isNew = follow(incarnation, after, patch)
    report(after.id, incarnation, patch.reports ?? [])
    if (isNew) change(incarnation, after.state)
    watch.moved(incarnation, from, after.state, patch)
  }

  const forgotten = (incarnation: Incarnation): void => {
    const { state } = incarnation
    if (state !== 'stopping' && !(state !== 'withdrawn' && isLive(state))) return
    incarnation.state = state === 'stopping' ? 'stopped' : 'withdrawn'
    change(incarnation, incarnation.state)
    incarnation.endedAt ??= elapsed()
    incarnation.place = 'nowhere'
  }

  const archived = (key: AnalysisKey, isThere: boolean): void => {
    const incarnation = incarnations.get(key)
    if (isThere || incarnation?.place !== 'rows') return
    incarnation.place = 'archive'
    if (incarnation.state === 'stopping') {
      change(incarnation, 'stopped')
      incarnation.state = 'stopped'
    }
  }

  const live = (id: AnalysisId): Incarnation | undefined =>
    incarnations.values().find((one) => one.id === id && one.state !== 'withdrawn' && isLive(one.state))

  /** A cleanup of the tables: nothing is stored any more. */
  const emptied = (before: readonly Analysis[], told: ((row: Analysis) => readonly Report[]) | undefined): void => {
    for (const { key } of before) {
      const incarnation = incarnations.get(key)
      if (incarnation) forgotten(incarnation)
    }
    for (const one of incarnations.values()) one.place = 'nowhere'
    for (const row of before) report(row.id, incarnations.get(row.key), told?.(row) ?? [])
  }

  return {
    incarnations,
    changes,
    statuses,
    byRun: (id, run) => runs.get(`${id}/${run}`),
    live,
    over: (store) => ({
      ...store,
      begin: async (input) => {
        const result: BeginResult = await store.begin(input)
        if (result.kind === 'begun') begun(result.analysis)
        return result
      },
      transition: async (key, from, to, patch = {}, run = undefined) => {
        const after = await store.transition(key, from, to, patch, run)
        if (after) moved(after, patch)
        return after
      },
      abandon: async (key) => {
        const was = await store.abandon(key)
        const incarnation = incarnations.get(key)
        if (was && incarnation) forgotten(incarnation)
        return was
      },
      archive: async (...args) => {
        const [key] = args
        await store.archive(...args)
        archived(key, (await store.findByKey(key)) !== undefined)
      },
      appendLine: async (id, run, line, reports, limits) => {
        const told: Report[] = []
        const recorded: typeof reports = (...args) => {
          const made = reports(...args)
          told.push(...made)
          return made
        }
        const after = await store.appendLine(id, run, line, recorded, limits)
        const incarnation = after && incarnations.get(after.key)
        if (incarnation) progressed(incarnation, after.progress)
        report(id, incarnation, told)
        return after
      },
      appendReports: async (id, reports) => {
        await store.appendReports(id, reports)
        report(id, undefined, reports)
      },
      reset: async (told) => {
        const before = await store.reset(told)
        emptied(before, told)
        return before
      },
    }),
  }
}
