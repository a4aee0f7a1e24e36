/**
 * The DtStore port on PostgreSQL: runs the query functions of this folder in transactions, with deadlines and faults.
 * May import port types, model, fault; never a use case.
 */
import type { DtStore } from '../../../dt/ports/store.ts'
import type { Body } from '../../../files/model.ts'
import type { Database } from '../database.ts'
import { withDeadlines } from '../faults.ts'
import { releaseContent } from '../files/contents.ts'
import { createLoop } from '../loop.ts'
import { postpone, settle } from '../queue.ts'
import { type Clock, type Db, later } from '../rows.ts'
import * as changes from './changes.ts'
import * as lists from './list.ts'
import * as removal from './removal.ts'
import * as runs from './runs.ts'
import * as services from './services.ts'

export { connect, type Database } from '../database.ts'
export { checkAuthority } from '../socket.ts'

interface DtStoreOptions {
  readonly now?: Clock
  /** Deadline of ordinary calls. */
  readonly callMs?: number
  /** Deadline of calls that delete many files. */
  readonly bulkMs?: number
}

const BULK: readonly (keyof DtStore)[] = ['erase', 'pruneFirings']
/** Downloads of a deleted file may still be reading it. */
const READING_MS = 3_600_000

/** Queries a table, so a database that is not migrated fails. */
async function ping(sql: Db): Promise<void> {
  await sql`select from dt.service limit 0`
}

/** The caller closes the database. */
export function createDtStore({ query, transaction }: Database, options: DtStoreOptions = {}): DtStore {
  const { now: clock = () => new Date(), callMs = 5000, bulkMs = 60_000 } = options

  /** Each in its own transaction, which locks only one content. */
  async function releaseAll(bodies: readonly Body[]): Promise<void> {
    for (const body of new Set(bodies)) await transaction((tx) => releaseContent(tx, body, later(clock(), READING_MS)))
  }

  const list = lists.createListQuery(clock)
  const store: DtStore = {
    ping: () => query(ping),
    begin: (input) => transaction((tx) => services.begin(tx, input, clock())),
    launched: (id, uid, change) => transaction((tx) => services.launched(tx, id, uid, change)),
    abandon: (id) => transaction((tx) => services.abandon(tx, id)),
    adopt: (input, change) => transaction((tx) => services.adopt(tx, input, change)),
    find: (id) => query((sql) => services.find(sql, id)),
    list: (skip, limit) => query((sql) => list(sql, skip, limit)),
    listed: (id) => query((sql) => lists.listed(sql, id)),
    unfinished: (now) => query((sql) => services.unfinished(sql, now)),
    findMany: (ids) => query((sql) => services.findMany(sql, ids)),
    move: (id, from, to, patch = {}) => transaction((tx) => services.move(tx, id, { from, to, patch }, clock())),
    claim: (ids, now, leaseMs) => query((sql) => services.claim(sql, ids, now, leaseMs)),
    releaseClaims: (ids) => query((sql) => services.releaseClaims(sql, ids, true)),
    releaseFailedClaims: (ids) => query((sql) => services.releaseClaims(sql, ids, false)),
    runs: (id) => query((sql) => runs.runs(sql, id)),
    runsOf: (ids) => query((sql) => runs.runsOf(sql, ids)),
    recordRuns: (id, recording) => transaction((tx) => runs.recordRuns(tx, id, recording)),
    pruneFirings: async (id, keep) => releaseAll(await transaction((tx) => removal.pruneFirings(tx, id, keep))),
    manifests: (ids) => query((sql) => runs.manifests(sql, ids)),
    outputs: (id) => query((sql) => runs.outputs(sql, id)),
    expired: (now, days, limit) => query((sql) => services.expired(sql, now, days, limit)),
    erase: async (id, outputs) => releaseAll(await transaction((tx) => removal.erase(tx, id, outputs))),
    ...createLoop({ query }, 'dt'),
    claimChanges: (now, leaseMs, limit, id) => query((sql) => changes.claimChanges(sql, { now, leaseMs, limit, id })),
    settleChange: (seq) => query((sql) => settle(sql, 'dt.change', seq)),
    postponeChanges: (id, dueAt) => query((sql) => postpone(sql, 'dt.change', id, dueAt)),
    dropChanges: () => query(changes.dropChanges),
  }
  return withDeadlines(store, (name) => (BULK.includes(name) ? bulkMs : callMs))
}
