/** The order of locks: whoever is in the middle of a call is waited for by `reset`, and never waits for it. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import * as analyses from '../../../../shared/adapters/postgres/po/analyses.ts'
import { begin } from '../../../../shared/adapters/postgres/po/begin.ts'
import { connect, createPoStore, type Database } from '../../../../shared/adapters/postgres/po/index.ts'
import { claimClient } from '../../../../shared/adapters/postgres/po/removals.ts'
import type { Db } from '../../../../shared/adapters/postgres/rows.ts'
import type { Analysis } from '../../../../shared/po/model.ts'
import type { PoStore } from '../../../../shared/po/ports/store.ts'
import { append, begun, executing, input, LEASE_MS, note } from '../../../conformance/store/subject.ts'
import { databaseSettings } from '../../../sandbox/postgres.ts'
import { startTestDatabases, type TestDatabases } from '../../../sandbox/test-databases.ts'

let databases: TestDatabases
let pool: Database
let store: PoStore
let live: Analysis
const clock = () => new Date()

beforeAll(async () => {
  databases = await startTestDatabases()
  pool = connect({ ...databaseSettings(await databases.create()), POSTGRES_MAX: 4 })
  store = createPoStore(pool)
})
afterAll(async () => {
  await pool?.end()
  await databases?.stop()
})
beforeEach(async () => {
  live = await executing(store)
})

/** Resolves when the other side waits for a lock, or is over without having waited. */
async function waitsOrIsOver(other: Promise<unknown>): Promise<void> {
  let over = false
  const end = () => {
    over = true
  }
  other.then(end, end)
  const isWaiting = async () => {
    const rows = await pool.query(
      (sql) => sql`
        select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    )
    return over || rows.length > 0
  }
  await expect.poll(isWaiting, { timeout: 10_000, interval: 10 }).toBe(true)
}

/** Does the first step in a transaction, starts a reset beside it, and goes on with the rest. */
const withResetBetween = (first: (tx: Db) => Promise<unknown>, rest: (tx: Db) => Promise<unknown>) =>
  pool.transaction(async (tx) => {
    await first(tx)
    const reset = store.reset()
    await waitsOrIsOver(reset)
    await rest(tx)
    return { reset }
  })

const lockIdentity = (tx: Db) => tx`select from po.identity where id = ${live.id} for no key update`
const move = (tx: Db) =>
  analyses.transition(
    tx,
    live.key,
    ['executing'],
    'stopping',
    { nextRun: true, removal: { archive: true }, reports: [note('x')] },
    undefined,
    clock,
  )

test.each<[string, (tx: Db) => Promise<unknown>, (tx: Db) => Promise<unknown>]>([
  ['a move that has its row', (tx) => analyses.locked(tx, live.key), move],
  [
    'an abandonment that has its row',
    (tx) => analyses.locked(tx, live.key),
    (tx) => analyses.abandon(tx, live.key, clock),
  ],
  ['a begin of a new id', (tx) => tx`select from po.analysis limit 0`, (tx) => begin(tx, input(), clock)],
])('%s goes on beside a reset', async (_, first, rest) => {
  const { reset } = await withResetBetween(first, rest)
  expect(await reset).not.toEqual([])
  expect(await store.list()).toEqual([])
})

test.each<[string, (tx: Db) => Promise<unknown>]>([
  ['begin', (tx) => begin(tx, input({ id: live.id }), clock)],
  ['claimClient', (tx) => claimClient(tx, live.key, live.id, clock(), LEASE_MS)],
])('%s that has its identity but has not looked yet goes on after the reset', async (_, rest) => {
  const { reset } = await withResetBetween(lockIdentity, rest)
  expect(await reset).not.toEqual([])
})

test('a begin beside the abandonment of its id does not wait in a circle', async () => {
  const starting = await begun(store)
  const results = await pool.transaction(async (tx) => {
    await analyses.locked(tx, starting.key)
    const beside = store.begin(input({ id: starting.id, image: starting.image }))
    await waitsOrIsOver(beside)
    return { abandoned: await analyses.abandon(tx, starting.key, clock), beside }
  })
  expect(results.abandoned).toBe(true)
  expect(await results.beside).toMatchObject({ analysis: { id: starting.id } })
})

test('a line beside a move of its analysis waits for it', async () => {
  const moved = await pool.transaction(async (tx) => {
    await analyses.locked(tx, live.key)
    const line = append(store, live.id, null, { level: 'info', message: 'x', status: '', progress: 9 })
    await waitsOrIsOver(line)
    await analyses.transition(tx, live.key, ['executing'], 'executing', { progress: 50 }, undefined, clock)
    return { line }
  })
  expect(await moved.line).toMatchObject({ progress: 50 })
})
