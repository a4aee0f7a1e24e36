import { execFile } from 'node:child_process'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import postgres, { type Sql } from 'postgres'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { connect, type Database } from '../../../../shared/adapters/postgres/database.ts'
import { defaultFolder, migrate, readMigrations } from '../../../../shared/adapters/postgres/migrate.ts'
import { inherited } from '../../../sandbox/inherited.ts'
import { databaseSettings, type Login } from '../../../sandbox/postgres.ts'
import { startTestDatabases, type TestDatabases } from '../../../sandbox/test-databases.ts'
import { poolerVersion, startPooler } from './pgbouncer.ts'

const run = promisify(execFile)

let databases: TestDatabases
let login: Login
let database: Database
/** Looks at the database beside the adapter. */
let sql: Sql
let folder: string

beforeAll(async () => {
  databases = await startTestDatabases()
})
afterAll(() => databases?.stop())
beforeEach(async () => {
  login = await databases.create('empty')
  database = connect(databaseSettings(login))
  sql = postgres({ ...login, max: 1 })
  folder = await mkdtemp(join(tmpdir(), 'migrations-'))
})
afterEach(async () => {
  await Promise.all([database.end(), sql.end()])
  await rm(folder, { recursive: true, force: true })
})

const file = (name: string, statements: string) => writeFile(join(folder, name), statements)
const tables = async () =>
  (await sql<{ name: string }[]>`select tablename as name from pg_tables where schemaname = 'po' order by 1`).map(
    ({ name }) => name,
  )

async function migrateAtOnce(count: number, port = login.port) {
  const settings = { ...databaseSettings({ ...login, port }), POSTGRES_MAX: 1, POSTGRES_PREPARE: false }
  const pools = Array.from({ length: count }, () => connect(settings, { answerMs: 30_000 }))
  try {
    return await Promise.all(pools.map((pool) => migrate(pool)))
  } finally {
    await Promise.all(pools.map((pool) => pool.end({ timeout: 1 })))
  }
}

test('an empty database gets every file once, in order', async () => {
  const names = (await readMigrations(defaultFolder())).map(({ name }) => name)
  expect(names[0]).toBe('0001_po.sql')
  expect(await migrate(database)).toEqual(names)
  expect(await migrate(database)).toEqual([])
  expect(await sql`select number, name from po.migration order by number`).toEqual(
    names.map((name) => ({ number: Number(name.slice(0, 4)), name })),
  )
})

test('of 20 migrators at once one migrates and 19 find it done', async () => {
  const applied = await migrateAtOnce(20)
  expect(applied.filter((names) => names.includes('0001_po.sql'))).toHaveLength(1)
  expect(applied.filter((names) => names.length === 0)).toHaveLength(19)
})

test.runIf(poolerVersion())('20 migrators at once are safe behind a pooler in transaction mode', async () => {
  const pooler = await startPooler(databases.server, false)
  try {
    const applied = await migrateAtOnce(20, pooler.port)
    expect(applied.filter((names) => names.length > 0)).toHaveLength(1)
  } finally {
    await pooler.stop()
  }
})

test('a later file is applied alone, and one that fails leaves nothing behind', async () => {
  await file('0001_one.sql', 'create table po.one (n integer); create index on po.one (n);')
  await migrate(database, folder)
  await file('0002_two.sql', 'create table po.two (n integer);')
  await file('0003_three.sql', 'create table po.three (n integer); select no_such_function();')
  await expect(migrate(database, folder)).rejects.toMatchObject({ code: '42883' })
  expect(await tables()).toEqual(['migration', 'one'])
  await file('0003_three.sql', 'create table po.three (n integer);')
  expect(await migrate(database, folder)).toEqual(['0002_two.sql', '0003_three.sql'])
  expect(await tables()).toEqual(['migration', 'one', 'three', 'two'])
})

test('a database that is ahead of the files is left alone', async () => {
  await file('0001_one.sql', 'create table po.one (n integer);')
  await file('0002_two.sql', 'create table po.two (n integer);')
  await migrate(database, folder)
  await rm(join(folder, '0002_two.sql'))
  expect(await migrate(database, folder)).toEqual([])
})

test('two files of one number are refused before anything is applied', async () => {
  await file('0001_one.sql', 'create table po.one (n integer);')
  await file('0001_uno.sql', 'create table po.uno (n integer);')
  await expect(migrate(database, folder)).rejects.toThrow('0001_one.sql')
  expect(await tables()).toEqual([])
})

test('what is no migration is not read', async () => {
  await file('0001_one.sql', 'create table po.one (n integer);')
  await file('README.md', 'not sql')
  await file('1_short.sql', 'not sql')
  expect((await readMigrations(folder)).map(({ name }) => name)).toEqual(['0001_one.sql'])
})

test.each([
  ['file:///app/shared/adapters/postgres/migrate.ts', '/app/shared/sql'],
  ['file:///app/dist/migrate.js', '/app/dist/sql'],
])('the files of %s lie in %s', (moduleUrl, path) => {
  expect(defaultFolder(moduleUrl)).toBe(path)
})

test('no column could hold a secret', async () => {
  await migrate(database)
  const columns = await sql<{ name: string }[]>`
    select column_name as name from information_schema.columns where table_schema in ('po', 'dt')`
  expect(columns.length).toBeGreaterThan(50)
  expect(columns.filter(({ name }) => /secret|token|password|credential|\bauth/.test(name))).toEqual([])
})

const command = (settings: Record<string, string>) =>
  run(process.execPath, [join(import.meta.dirname, '../../../../shared/commands/migrate.ts')], {
    env: { ...inherited(), ...settings },
  })
const environment = () => ({
  POSTGRES_HOST: login.host,
  POSTGRES_PORT: String(login.port),
  POSTGRES_USER: login.user,
  POSTGRES_PASSWORD: login.password,
  POSTGRES_DB: login.database,
})

test('the command migrates by the settings, says what it applied, and ends', async () => {
  const { stdout } = await command(environment())
  expect(JSON.parse(stdout).applied).toContain('0001_po.sql')
  expect(await tables()).toContain('analysis')
  expect((await readdir(defaultFolder())).length).toBeGreaterThan(0)
})

test('the command fails, naming the setting and no value, when one is missing', async () => {
  const { POSTGRES_HOST, ...rest } = environment()
  await expect(command({ ...rest, POSTGRES_PORT: 'x' })).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/POSTGRES_HOST.*POSTGRES_PORT/),
  })
  expect(POSTGRES_HOST).toBe(login.host)
})
