/**
 * A store in memory that passes the conformance suite of the port: each call is one step, like a transaction. It replaces
 * PostgreSQL in the simulation, which also runs some seeds on the real one and expects the same steps.
 */
import { type Analysis, isLive } from '../../../shared/po/model.ts'
import type { IsolationState, IsolationStore } from '../../../shared/po/ports/isolation.ts'
import type { PoStore } from '../../../shared/po/ports/store.ts'
import { archiving } from './archive.ts'
import { incarnations } from './incarnations.ts'
import { insertChange, insertReports, outbox } from './outbox.ts'
import { recordRemoval, removing } from './removals.ts'
import { createTables, type LoopRow, type ReportRow, save, storable, type Tables } from './tables.ts'

function isolating(tables: Tables): IsolationStore {
  let state: IsolationState = { breach: null, provenAt: null }
  return {
    isolation: async () => state,
    recordBreach: async (breach) => {
      state = { ...state, breach: storable(breach) }
    },
    recordProof: async (at) => {
      state = { breach: null, provenAt: at }
    },
    saveRunFacts: async () => {},
    neighbour: async (id) => {
      const others = [...tables.analyses.values()].filter((row) => row.id !== id && isLive(row.state))
      const last = others.toSorted((one, other) => Number(other.key) - Number(one.key))[0]
      return last && { id: last.id, run: last.run }
    },
  }
}

function looping(
  tables: Tables,
): Pick<PoStore, 'takeSlot' | 'giveBackSlot' | 'completeSlot' | 'loopState' | 'silence' | 'resetSilenceTimers'> {
  const loop = (installedAt: Date): LoopRow => {
    tables.loop ??= { installedAt, takenSlot: null, completedSlot: null, completedAt: null, faultAt: null }
    return tables.loop
  }
  return {
    takeSlot: async (slot, now) => {
      const row = loop(now)
      if (row.takenSlot !== null && row.takenSlot >= slot) return false
      tables.loop = { ...row, takenSlot: slot }
      return true
    },
    giveBackSlot: async (slot) => {
      if (tables.loop?.takenSlot === slot) tables.loop = { ...tables.loop, takenSlot: slot - 1 }
    },
    completeSlot: async (slot, at) => {
      const row = loop(at)
      if (row.completedSlot !== null && row.completedSlot >= slot) return
      tables.loop = { ...row, completedSlot: slot, completedAt: at }
    },
    loopState: async (now) => {
      const { completedSlot, completedAt, installedAt, faultAt } = loop(now)
      return { completedSlot, completedAt, installedAt, faultAt }
    },
    silence: async () => {
      const executing = [...tables.analyses.values()].filter(({ state }) => state === 'executing')
      return { heard: executing.length, silent: executing.filter(({ silentPolls }) => silentPolls > 0).length }
    },
    resetSilenceTimers: async (at, reason) => {
      for (const row of tables.analyses.values()) {
        if (row.silentPolls > 0 && isLive(row.state)) save(tables, { ...row, silentPolls: 0, silentSince: null })
      }
      const row = loop(at)
      if (reason === 'fault' && !(row.faultAt && row.faultAt > at)) tables.loop = { ...row, faultAt: at }
    },
  }
}

function reset(tables: Tables, told: NonNullable<Parameters<PoStore['reset']>[0]>): Analysis[] {
  const { analyses, runs, lines, snapshots, reports, archive, records, removals } = tables
  const present = [...analyses.values()]
  for (const row of present) recordRemoval(tables, row, { archive: false, logsTaken: true })
  // In the order of the one statement that does it in PostgreSQL.
  for (const row of present) if (row.state === 'stopping') insertChange(tables, row, 'stopped')
  for (const row of present) if (isLive(row.state)) insertChange(tables, { ...row, cause: null }, 'withdrawn')
  for (const [key, row] of removals) removals.set(key, { ...row, archive: false, logsTaken: true })
  const isStatus = ({ report }: ReportRow) => report.kind === 'status'
  for (const [id, rows] of reports) reports.set(id, rows.filter(isStatus))
  for (const row of present) insertReports(tables, row.id, told(row))
  for (const table of [analyses, runs, lines, snapshots, archive, records]) table.clear()
  return present
}

/** A store on its own data, or on those of another store. */
export function createMemoryStore(now: () => Date, tables: Tables = createTables(now)): PoStore {
  return {
    ping: async () => undefined,
    ...incarnations(tables),
    ...archiving(tables),
    ...removing(tables),
    ...outbox(tables),
    ...looping(tables),
    ...isolating(tables),
    knownIds: async () => new Set([...tables.analyses.values(), ...tables.removals.values()].map(({ id }) => id)),
    reset: async (told = () => []) => reset(tables, told),
  }
}
