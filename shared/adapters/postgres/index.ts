/**
 * The Store port on PostgreSQL: composes the query functions of this folder, gives each call its transaction, its
 * deadline and its faults. May import ports types, model, fault; never a use case.
 *
 * Every time that is written comes from one clock, that of the callers, so that leases and due times compare.
 */
import type { Sql } from 'postgres'
import type { Analysis, AnalysisId } from '../../po/model.ts'
import type { Store } from '../../po/ports.ts'
import * as analyses from './analyses.ts'
import * as archives from './archive.ts'
import { begin } from './begin.ts'
import * as claims from './claims.ts'
import { within } from './faults.ts'
import { appendLine } from './lines.ts'
import * as loop from './loop.ts'
import * as outbox from './outbox.ts'
import * as removals from './removals.ts'
import { type Clock, type Db, removalColumns } from './rows.ts'

export { connect } from './connect.ts'

export interface StoreOptions {
  readonly now?: Clock
  /** Time for an ordinary call. */
  readonly callMs?: number
  /** Time for calls that move whole logs. */
  readonly bulkMs?: number
}

const BULK: readonly (keyof Store)[] = [
  'saveSnapshots',
  'archive',
  'history',
  'archiveEntries',
  'pruneArchive',
  'reset',
]

async function knownIds(sql: Db): Promise<Set<AnalysisId>> {
  const rows = await sql<{ id: AnalysisId }[]>`select id from po.analysis union select id from po.removal`
  return new Set(rows.map(({ id }) => id))
}

/** Logs have no place any more, so no removal waits for them. The first lock keeps every `begin` out. */
async function reset(tx: Db, clock: Clock): Promise<Analysis[]> {
  await tx`lock table po.identity in exclusive mode`
  await tx`lock table po.analysis in access exclusive mode`
  const present = await analyses.all(tx)
  const now = clock()
  for (const analysis of present) await removals.recordRemoval(tx, analysis, { archive: false, logsTaken: true }, now)
  await tx`update po.removal set archive = false, logs_taken = true`
  await tx`truncate po.analysis, po.run, po.line, po.snapshot, po.report, po.archive`
  return present
}

/** Every call gets a deadline, and leaves with faults only. */
function guarded(store: Store, callMs: number, bulkMs: number): Store {
  const guard = ([name, call]: [string, (...args: unknown[]) => Promise<unknown>]) => [
    name,
    (...args: unknown[]) => within(BULK.includes(name as keyof Store) ? bulkMs : callMs, () => call(...args)),
  ]
  return Object.fromEntries(Object.entries(store).map(guard)) as unknown as Store
}

/** A store on these connections; closing them is their maker's business. */
export function createStore(sql: Sql, options: StoreOptions = {}): Store {
  const { now: clock = () => new Date(), callMs = 5000, bulkMs = 30_000 } = options
  const inTransaction = <T>(work: (tx: Db) => Promise<T>): Promise<T> => sql.begin(work) as Promise<T>
  const store: Store = {
    ping: async () => {
      await sql`select ${removalColumns(sql)} from po.removal row limit 0`
    },
    begin: (input) => inTransaction((tx) => begin(tx, input, clock)),
    find: (id) => analyses.currentOf(sql, id),
    list: () => analyses.all(sql),
    findByKey: (key) => analyses.byKey(sql, key),
    transition: (key, from, to, patch = {}, run = undefined) =>
      inTransaction((tx) => analyses.transition(tx, key, from, to, patch, run, clock)),
    abandon: (key) => inTransaction((tx) => analyses.abandon(tx, key, clock)),
    recordPoll: (key, run, heard, at) => analyses.recordPoll(sql, key, run, heard, at),
    claimDue: (now, leaseMs, limit) => claims.claimDue(sql, now, leaseMs, limit),
    claim: (key, now, leaseMs) => claims.claim(sql, key, now, leaseMs),
    unclaim: (keys) => claims.unclaim(sql, keys),
    appendLine: (id, run, line, reports) => inTransaction((tx) => appendLine(tx, id, run, line, reports, clock)),
    appendReports: (id, reports) => inTransaction((tx) => outbox.appendReports(tx, id, reports, clock)),
    saveSnapshots: (key, snapshots) => inTransaction((tx) => archives.saveSnapshots(tx, key, snapshots)),
    archive: (key, node, sign) => inTransaction((tx) => archives.archive(tx, key, node, sign, clock)),
    history: (id) => archives.history(sql, id),
    archiveEntries: (id) => archives.archiveEntries(sql, id),
    pruneArchive: (limits) => archives.pruneArchive(sql, limits, clock()),
    claimRemovals: (now, leaseMs, limit) => removals.claimRemovals(sql, now, leaseMs, limit),
    claimRemoval: (key, now, leaseMs) => removals.claimRemoval(sql, key, now, leaseMs),
    pendingRemovals: () => removals.pendingRemovals(sql),
    markLogsTaken: (key) => removals.markLogsTaken(sql, key),
    postponeRemoval: (key, dueAt) => removals.postponeRemoval(sql, key, dueAt),
    completeRemoval: (key) => removals.completeRemoval(sql, key),
    holdClient: (key, id, now, leaseMs) => inTransaction((tx) => removals.holdClient(tx, key, id, now, leaseMs)),
    releaseClient: (key, removed) => removals.releaseClient(sql, key, removed),
    takeSlot: (slot) => loop.takeSlot(sql, slot, clock),
    giveBackSlot: (slot) => loop.giveBackSlot(sql, slot),
    completeSlot: (slot, at) => loop.completeSlot(sql, slot, at),
    loopState: (now) => loop.loopState(sql, now),
    claimReports: (now, leaseMs, limit, id) => outbox.claimReports(sql, now, leaseMs, limit, id),
    settleReport: (seq) => outbox.settleReport(sql, seq),
    postponeReports: (id, dueAt) => outbox.postponeReports(sql, id, dueAt),
    knownIds: () => knownIds(sql),
    reset: () => inTransaction((tx) => reset(tx, clock)),
  }
  return guarded(store, callMs, bulkMs)
}
