/**
 * The PoStore port on PostgreSQL: runs the query functions of this folder, which have the names of its methods, in
 * transactions, with deadlines and faults.
 *
 * All timestamps come from the clock of the callers, not of the server, so leases and due times can be compared.
 */
import type { Analysis, AnalysisId } from '../../../po/model.ts'
import type { PoStore } from '../../../po/ports/store.ts'
import type { Database } from '../database.ts'
import { withDeadlines } from '../faults.ts'
import { createLoop, loopState } from '../loop.ts'
import { postpone, settle } from '../queue.ts'
import type { Clock, Db } from '../rows.ts'
import * as analyses from './analyses.ts'
import * as archives from './archive.ts'
import * as backlog from './backlog.ts'
import { begin } from './begin.ts'
import * as changes from './changes.ts'
import * as claims from './claims.ts'
import * as isolations from './isolation.ts'
import { appendLine } from './lines.ts'
import * as logs from './logs.ts'
import * as outbox from './outbox.ts'
import * as records from './record.ts'
import * as removals from './removals.ts'
import * as silences from './silence.ts'

export { connect, type Database } from '../database.ts'
export { checkAuthority } from '../socket.ts'

interface PoStoreOptions {
  readonly now?: Clock
  /** Deadline of ordinary calls. */
  readonly callMs?: number
  /** Deadline of calls that copy or delete whole logs. */
  readonly bulkMs?: number
}

const BULK: readonly (keyof PoStore)[] = ['saveSnapshots', 'archive', 'seal', 'unpackArchive', 'pruneArchive', 'reset']

/** Queries a table, so a database that is not migrated fails. */
async function ping(sql: Db): Promise<void> {
  await sql`select from po.analysis limit 0`
}

async function knownIds(sql: Db): Promise<Set<AnalysisId>> {
  const rows = await sql<{ id: AnalysisId }[]>`select id from po.analysis union select id from po.removal`
  return new Set(rows.map(({ id }) => id))
}

type ReportsOf = NonNullable<Parameters<PoStore['reset']>[0]>

/**
 * Without rows no logs can be saved, so removals do not wait for them. Undelivered statuses and unpublished changes stay,
 * because they contain the end of each incarnation. The lock waits for calls of `begin` and blocks later ones.
 */
async function reset(tx: Db, reportsOf: ReportsOf, clock: Clock): Promise<Analysis[]> {
  await tx`lock table po.analysis in access exclusive mode`
  const present = await analyses.all(tx)
  const now = clock()
  for (const analysis of present) await removals.recordRemoval(tx, analysis, { archive: false, logsTaken: true }, now)
  await tx`update po.removal set archive = false, logs_taken = true`
  await tx`with row as (select * from po.analysis order by key) ${changes.recordForgotten(tx, now)}`
  await tx`delete from po.report where kind = 'log'`
  for (const analysis of present) await outbox.insertReports(tx, analysis.id, reportsOf(analysis), now)
  await tx`
    truncate po.analysis, po.run, po.line, po.line_chain, po.journal, po.journal_head, po.record, po.snapshot, po.snapshot_piece, po.archive`
  return present
}

/** The caller closes the database. */
export function createPoStore({ query, transaction }: Database, options: PoStoreOptions = {}): PoStore {
  const { now: clock = () => new Date(), callMs = 5000, bulkMs = 30_000 } = options
  const store: PoStore = {
    ping: () => query(ping),
    begin: (input) => transaction((tx) => begin(tx, input, clock)),
    find: (id) => query((sql) => analyses.currentOf(sql, id)),
    list: () => query((sql) => analyses.all(sql)),
    listStates: () => query((sql) => analyses.allStates(sql)),
    findByKey: (key) => query((sql) => analyses.byKey(sql, key)),
    transition: (key, from, to, patch = {}, run = undefined) =>
      transaction((tx) => analyses.transition(tx, key, from, to, patch, run, clock)),
    abandon: (key) => transaction((tx) => analyses.abandon(tx, key, clock)),
    recordPoll: (key, run, outcome, at) => query((sql) => silences.recordPoll(sql, key, run, outcome, at)),
    claimDue: (now, leaseMs, limit) => query((sql) => claims.claimDue(sql, now, leaseMs, limit)),
    claimSuspects: (now, leaseMs, sizes) => query((sql) => claims.claimSuspects(sql, now, leaseMs, sizes)),
    claim: (id, now, leaseMs) => query((sql) => claims.claim(sql, id, now, leaseMs)),
    releaseClaims: (keys) => query((sql) => claims.releaseClaims(sql, keys)),
    listDue: (now, limit) => query((sql) => claims.listDue(sql, now, limit)),
    savePartners: (key, partners) => query((sql) => analyses.savePartners(sql, key, partners)),
    isolation: () => query(isolations.isolation),
    recordBreach: (breach, at) => query((sql) => isolations.recordBreach(sql, breach, at)),
    recordProof: (at) => query((sql) => isolations.recordProof(sql, at)),
    saveRunFacts: (key, run, facts) => query((sql) => isolations.saveRunFacts(sql, key, run, facts)),
    neighbour: (id) => query((sql) => isolations.neighbour(sql, id)),
    silence: () => query(silences.silence),
    resetSilenceTimers: (at, reason) => transaction((tx) => silences.resetSilenceTimers(tx, at, reason)),
    appendLine: (id, run, line, reports, limits) =>
      transaction((tx) => appendLine(tx, id, run, line, reports, limits, clock)),
    appendReports: (id, reports) => transaction((tx) => outbox.appendReports(tx, id, reports, clock)),
    saveSnapshots: (key, snapshots, maxBytes) =>
      logs.unlessGone(transaction((tx) => logs.saveSnapshots(tx, key, snapshots, maxBytes))),
    archive: (key, node, sign, shorten) => transaction((tx) => archives.archive(tx, key, node, sign, shorten, clock)),
    ended: (after, limit, id) => query((sql) => logs.ended(sql, after, limit, id)),
    texts: (key) => query((sql) => logs.texts(sql, key)),
    lines: (key, run, after) => query((sql) => logs.lines(sql, key, run, after)),
    logPiece: (key, log, n) => query((sql) => logs.logPiece(sql, key, log, n)),
    seal: (...args) => transaction((tx) => records.seal(tx, args, clock)),
    record: (id, run) => query((sql) => records.record(sql, id, run)),
    archiveHead: () => query(archives.archiveHead),
    archiveEntries: (after, limit, id) => query((sql) => archives.archiveEntries(sql, after, limit, id)),
    unpackArchive: () => query(archives.unpackArchive),
    pruneArchive: (limits) => query((sql) => archives.pruneArchive(sql, limits, clock())),
    claimRemovals: (now, leaseMs, limit) => query((sql) => removals.claimRemovals(sql, now, leaseMs, limit)),
    claimSuspectRemoval: (now, leaseMs) => query((sql) => removals.claimSuspectRemoval(sql, now, leaseMs)),
    claimRemoval: (key, now, leaseMs) => query((sql) => removals.claimRemoval(sql, key, now, leaseMs)),
    pendingRemovals: () => query((sql) => removals.pendingRemovals(sql)),
    markLogsTaken: (key) => query((sql) => removals.markLogsTaken(sql, key)),
    markRootRemoved: (key) => query((sql) => removals.markRootRemoved(sql, key)),
    postponeRemoval: (removal, dueAt) => query((sql) => removals.postponeRemoval(sql, removal, dueAt)),
    completeRemoval: (key) => query((sql) => removals.completeRemoval(sql, key)),
    claimClient: (key, id, now, leaseMs) => transaction((tx) => removals.claimClient(tx, key, id, now, leaseMs)),
    releaseClientClaim: (key, client) => query((sql) => removals.releaseClientClaim(sql, key, client)),
    ...createLoop({ query }, 'po'),
    loopState: (now) => query((sql) => loopState(sql, 'po', now, sql`, fault_at as "faultAt"`)),
    claimReports: (now, leaseMs, limit, id) => query((sql) => outbox.claimReports(sql, { now, leaseMs, limit, id })),
    settleReport: (seq) => query((sql) => settle(sql, 'po.report', seq)),
    postponeReports: (id, dueAt) => query((sql) => postpone(sql, 'po.report', id, dueAt)),
    retryReportsNow: (now) => query((sql) => backlog.retryReportsNow(sql, now)),
    capReports: (limit) => query((sql) => backlog.capReports(sql, limit, clock())),
    claimChanges: (now, leaseMs, limit) => query((sql) => changes.claimChanges(sql, { now, leaseMs, limit })),
    settleChange: (seq) => query((sql) => settle(sql, 'po.change', seq)),
    postponeChanges: (id, dueAt) => query((sql) => postpone(sql, 'po.change', id, dueAt)),
    dropChanges: () => query(changes.dropChanges),
    knownIds: () => query(knownIds),
    reset: (reportsOf = () => []) => transaction((tx) => reset(tx, reportsOf, clock)),
  }
  return withDeadlines(store, (name) => (BULK.includes(name) ? bulkMs : callMs))
}
