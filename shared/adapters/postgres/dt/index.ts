/**
 * The Store port of digital twins on PostgreSQL: composes the query functions of this folder, gives each call its
 * transaction, its deadline and its faults. May import ports types, model, fault; never a use case.
 */
import type { DtStore } from '../../../dt/ports/store.ts'
import type { Body } from '../../../files/model.ts'
import type { Database } from '../database.ts'
import { guarded } from '../faults.ts'
import { release } from '../files/contents.ts'
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

export interface DtStoreOptions {
  readonly now?: Clock
  /** Time for an ordinary call. */
  readonly callMs?: number
  /** Time for calls that take many files away. */
  readonly bulkMs?: number
}

const BULK: readonly (keyof DtStore)[] = ['erase', 'pruneFirings']
/** Readers of a file that goes may still be under way. */
const READING_MS = 3_600_000

/** Asks for a table, so that a database that is not migrated does not count as well. */
async function ping(sql: Db): Promise<void> {
  await sql`select from dt.service limit 0`
}

/** A store on this database; closing its connections is their maker's business. */
export function createStore({ query, transaction }: Database, options: DtStoreOptions = {}): DtStore {
  const { now: clock = () => new Date(), callMs = 5000, bulkMs = 60_000 } = options

  /** Each in a transaction of its own: locks of contents are taken one at a time. */
  async function letGo(bodies: readonly Body[]): Promise<void> {
    for (const body of new Set(bodies)) await transaction((tx) => release(tx, body, later(clock(), READING_MS)))
  }

  const list = lists.createList(clock)
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
    pruneFirings: async (id, keep) => letGo(await transaction((tx) => removal.pruneFirings(tx, id, keep))),
    manifests: (ids) => query((sql) => runs.manifests(sql, ids)),
    outputs: (id) => query((sql) => runs.outputs(sql, id)),
    expired: (now, days, limit) => query((sql) => services.expired(sql, now, days, limit)),
    erase: async (id, outputs) => letGo(await transaction((tx) => removal.erase(tx, id, outputs))),
    ...createLoop({ query }, 'dt'),
    claimChanges: (now, leaseMs, limit, id) => query((sql) => changes.claimChanges(sql, { now, leaseMs, limit, id })),
    settleChange: (seq) => query((sql) => settle(sql, 'dt.change', seq)),
    postponeChanges: (id, dueAt) => query((sql) => postpone(sql, 'dt.change', id, dueAt)),
    dropChanges: () => query(changes.dropChanges),
  }
  return guarded(store, (name) => (BULK.includes(name) ? bulkMs : callMs))
}
