import { once } from 'node:events'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { toFault, withDeadline } from '../../../../shared/adapters/postgres/faults.ts'
import { connect, createPoStore, type Database } from '../../../../shared/adapters/postgres/po/index.ts'
import { Fault } from '../../../../shared/platform/fault.ts'
import { append, begun, input } from '../../../conformance/store/subject.ts'
import { databaseSettings, type Login } from '../../../sandbox/postgres.ts'
import { startTestDatabases, type TestDatabases } from '../../../sandbox/test-databases.ts'

let databases: TestDatabases
const opened: Database[] = []
const listening: { close(): void }[] = []

beforeAll(async () => {
  databases = await startTestDatabases()
})
afterAll(() => databases?.stop())
afterEach(async () => {
  for (const { close } of listening.splice(0)) close()
  await Promise.all(opened.splice(0).map((database) => database.end({ timeout: 0 })))
})

/** A store whose pool is closed after the test. */
function storeAt(login: Login, { answerMs = 5000, callMs = 5000 } = {}) {
  const database = connect(databaseSettings(login), { answerMs, connectMs: answerMs })
  opened.push(database)
  return { database, store: createPoStore(database, { callMs, bulkMs: callMs }) }
}

/** A relay to a server that can stop passing on what the server says, or cut every connection. */
async function relayTo(login: Login) {
  const sockets = new Set<Socket>()
  let silent = false
  const server: Server = createServer((client) => {
    const upstream = createConnection(login.port, login.host)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => sockets.delete(socket))
    }
    client.pipe(upstream)
    upstream.on('data', (chunk) => silent || client.write(chunk))
    upstream.on('close', () => client.destroy())
    client.on('close', () => upstream.destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  listening.push({
    close: () => {
      cut()
      server.close()
    },
  })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return {
    login: { ...login, port },
    cut,
    silence: (on: boolean) => {
      silent = on
    },
  }
}

const away = { name: 'Fault', code: 'unavailable', message: 'the database is away' }

test('a port where nobody listens is unavailable at once', async () => {
  const { store } = storeAt({ ...(await databases.create()), port: 1 })
  const began = performance.now()
  await expect(store.ping()).rejects.toMatchObject(away)
  expect(performance.now() - began).toBeLessThan(8000)
})

test('a database that never answers a connection is unavailable when the time is over', async () => {
  const relay = await relayTo(await databases.create())
  relay.silence(true)
  const { store } = storeAt(relay.login, { answerMs: 300, callMs: 1000 })
  const began = performance.now()
  await expect(store.ping()).rejects.toMatchObject(away)
  expect(performance.now() - began).toBeLessThan(8000)
})

test('a database that hangs fails every call in time, and the pool is well again when it answers', async () => {
  const relay = await relayTo(await databases.create())
  const { store } = storeAt(relay.login, { answerMs: 400, callMs: 800 })
  await store.ping()
  relay.silence(true)
  const began = performance.now()
  const calls = [
    store.ping(),
    store.list(),
    store.begin(input()),
    store.takeSlot(1, new Date()),
    store.ended(undefined, 1),
    store.knownIds(),
  ]
  for (const result of await Promise.allSettled(calls)) {
    expect(result).toMatchObject({ status: 'rejected', reason: away })
  }
  expect(performance.now() - began).toBeLessThan(8000)
  relay.silence(false)
  const isThere = () =>
    store.ping().then(
      () => true,
      () => false,
    )
  await expect.poll(isThere, { timeout: 10_000 }).toBe(true)
})

test('connections that were cut are unavailable or opened again, and the pool is well afterwards', async () => {
  const relay = await relayTo(await databases.create())
  const { store } = storeAt(relay.login)
  const analysis = await begun(store)
  const calls = Array.from({ length: 10 }, () => store.find(analysis.id))
  relay.cut()
  for (const result of await Promise.allSettled(calls)) {
    if (result.status === 'rejected') expect(result.reason).toMatchObject(away)
    else expect(result.value).toEqual(analysis)
  }
  expect(await store.find(analysis.id)).toEqual(analysis)
})

test('a transaction that was cut in the middle leaves nothing', async () => {
  const relay = await relayTo(await databases.create())
  const { store } = storeAt(relay.login)
  const { id, key } = await begun(store)
  const lost = append(store, id, null, { level: 'info', message: 'x', status: '', progress: 50 }, () => {
    relay.cut()
    return [{ kind: 'log', level: 'info', message: 'x', status: null }]
  })
  await expect(lost).rejects.toMatchObject(away)
  expect(await store.findByKey(key)).toMatchObject({ progress: 0 })
  expect(await store.claimReports(new Date(Date.now() + 60_000), 1, 10)).toEqual([])
})

/** Ends all connections to a database but its own. */
const endOthers = (database: Database, name: string) =>
  database.query(
    (sql) => sql`
      select pg_terminate_backend(pid, 5000) from pg_stat_activity
      where datname = ${name} and pid <> pg_backend_pid()`,
  )

test('connections that the server ends are unavailable and opened again', async () => {
  const login = await databases.create()
  const { database, store } = storeAt(login)
  const admin = storeAt(login).database
  await store.ping()
  const waiting = withDeadline(15_000, () => database.query((sql) => sql`select pg_sleep(20)`))
  waiting.catch(() => {})
  const isUnderWay = async () => {
    const found = await admin.query(
      (sql) =>
        sql`select 1 from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and query like '%pg_sleep(20)%'`,
    )
    return found.length > 0
  }
  await expect.poll(isUnderWay, { timeout: 10_000 }).toBe(true)
  await endOthers(admin, login.database)
  await expect(waiting).rejects.toMatchObject(away)
  await expect(store.ping()).resolves.toBeUndefined()
})

test('connections that the server ended while they were idle are replaced unseen', async () => {
  const login = await databases.create()
  const { store } = storeAt(login)
  await Promise.all([store.ping(), store.ping()])
  await endOthers(storeAt(login).database, login.database)
  await sleep(50)
  await Promise.all([store.ping(), store.ping(), store.list()])
})

test('what is left of a transaction never runs on another connection', async () => {
  const login = await databases.create()
  const { database } = storeAt(login)
  const admin = storeAt(login).database
  const torn = withDeadline(5000, () =>
    database.transaction(async (tx) => {
      await tx`insert into po.identity (id) values (gen_random_uuid())`
      await endOthers(admin, login.database)
      await sleep(50)
      await tx`insert into po.identity (id) values (gen_random_uuid())`
    }),
  )
  await expect(torn).rejects.toMatchObject(away)
  expect(await database.query((sql) => sql`select count(*)::int as n from po.identity`)).toEqual([{ n: 0 }])
})

test('a call that waits too long for a connection is unavailable', async () => {
  const { database, store } = storeAt(await databases.create(), { answerMs: 10_000, callMs: 600 })
  const busy = [1, 2].map(() => database.query((sql) => sql`select pg_sleep(2)`))
  await expect(store.ping()).rejects.toMatchObject(away)
  await Promise.all(busy)
})

test('more calls than connections wait for their turn', async () => {
  const login = await databases.create()
  const { database, store } = storeAt(login, { answerMs: 30_000, callMs: 60_000 })
  const calls = await Promise.all(Array.from({ length: 50 }, () => store.list()))
  expect(calls.every((rows) => rows.length === 0)).toBe(true)
  const [row] = await database.query(
    (sql) => sql`select count(*)::int as n from pg_stat_activity where datname = ${login.database}`,
  )
  expect(row?.['n']).toBeLessThanOrEqual(2)
})

test('a wrong password or database is unavailable', async () => {
  const login = await databases.create()
  await expect(storeAt({ ...login, password: 'wrong' }).store.ping()).rejects.toMatchObject(away)
  await expect(storeAt({ ...login, database: 'nowhere' }).store.ping()).rejects.toMatchObject(away)
})

test('a database without tables is unavailable and says why', async () => {
  const { store } = storeAt(await databases.create('empty'))
  await expect(store.ping()).rejects.toMatchObject({ code: 'unavailable', message: 'the database is not migrated yet' })
})

test('what the server refuses leaves as unexpected, without statement or values', async () => {
  const { store } = storeAt(await databases.create())
  const { id } = await begun(store)
  const line = { level: 'loud' as never, message: 'private', status: '', progress: 0 }
  const error = await append(store, id, null, line).catch((cause: unknown) => cause)
  expect(error).toMatchObject({ name: 'Fault', code: 'unexpected', message: 'the database refused a statement' })
  expect(JSON.stringify(error)).not.toMatch(/private|insert into/)
})

test('nothing is opened before the first call', async () => {
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  listening.push({ close: () => server.close() })
  const address = server.address()
  const { store } = storeAt({ ...databases.server, port: typeof address === 'object' && address ? address.port : 0 })
  await sleep(100)
  expect(connections).toBe(0)
  await expect(store.ping()).rejects.toMatchObject(away)
  expect(connections).toBe(1)
})

test('texts are UTC and the connection has a name', async () => {
  const { database } = storeAt(await databases.create())
  const [row] = await database.query(
    (sql) => sql`
    select current_setting('TimeZone') as zone, application_name as name from pg_stat_activity where pid = pg_backend_pid()`,
  )
  expect(row).toEqual({ zone: 'UTC', name: 'flame-po' })
})

const sqlState = (code: string) => Object.assign(new Error('server says'), { code })

test.each([
  ['ECONNREFUSED', 'unavailable'],
  ['ENOTFOUND', 'unavailable'],
  ['CONNECTION_ENDED', 'unavailable'],
  ['CONNECT_TIMEOUT', 'unavailable'],
  ['08P01', 'unavailable'], // a pooler without a server
  ['28P01', 'unavailable'], // wrong password
  ['3D000', 'unavailable'], // no such database
  ['40001', 'unavailable'], // serialization failure
  ['40P01', 'unavailable'], // deadlock
  ['25006', 'unavailable'], // read-only standby
  ['53300', 'unavailable'], // too many connections
  ['57P03', 'unavailable'], // starting up
  ['42P01', 'unavailable'], // no such table
  ['23505', 'unexpected'], // unique violation
  ['23514', 'unexpected'], // check violation
  ['42601', 'unexpected'], // syntax error
  ['UNDEFINED_VALUE', 'unexpected'],
])('%s is %s, with its cause', (code, verdict) => {
  const cause = sqlState(code)
  expect(toFault(cause)).toMatchObject({ code: verdict, cause })
})

test('a fault stays what it is', async () => {
  const fault = new Fault('conflict', 'as it was')
  expect(toFault(fault)).toBe(fault)
  await expect(withDeadline(1000, () => Promise.reject(fault))).rejects.toBe(fault)
  await expect(withDeadline(20, () => new Promise(() => undefined))).rejects.toMatchObject(away)
})
