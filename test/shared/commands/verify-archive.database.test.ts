/** The command as an operator runs it: on entries that the store has signed and kept in a real PostgreSQL. */
import { execFile } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { connect, createPoStore, type Database } from '../../../shared/adapters/postgres/po/index.ts'
import { createSign } from '../../../shared/adapters/signing.ts'
import type { AnalysisId } from '../../../shared/po/model.ts'
import { append, ended, executing, LOG_BYTES, line } from '../../conformance/store/subject.ts'
import { inherited } from '../../sandbox/inherited.ts'
import { databaseSettings, type Login } from '../../sandbox/postgres.ts'
import { startTestDatabases, type TestDatabases } from '../../sandbox/test-databases.ts'

const dir = mkdtempSync(join(tmpdir(), 'verify-archive-'))
const PUBLIC_KEY = join(dir, 'public.pem')
let databases: TestDatabases
let login: Login
let database: Database
const ids: AnalysisId[] = []

beforeAll(async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(PUBLIC_KEY, publicKey.export({ format: 'pem', type: 'spki' }))
  writeFileSync(join(dir, 'node.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }))
  const sign = await createSign({ keyFile: join(dir, 'node.pem'), passphrase: '' })

  databases = await startTestDatabases()
  login = await databases.create()
  database = connect(databaseSettings(login))
  const store = createPoStore(database)
  for (const message of ['Grüße 😀', 'a second one']) {
    const analysis = await executing(store)
    ids.push(analysis.id)
    await append(store, analysis.id, null, line({ message }))
    const text = `printed: ${message}`
    const log = { run: analysis.run, kind: 'analysis', container: 'main', text, leftOut: 0 } as const
    await store.saveSnapshots(analysis.key, [log], LOG_BYTES)
    await ended(store, analysis, 'executed')
    await store.archive(analysis.key, 'node-7', sign)
  }
})
afterAll(async () => {
  await database?.end({ timeout: 0 })
  await databases?.stop()
  rmSync(dir, { recursive: true })
})

const verify = (...args: string[]) =>
  new Promise<{ code: number | string; lines: string[] }>((resolve) => {
    const settings = Object.entries(databaseSettings(login)).map(([name, value]) => [name, String(value)])
    const env = { ...inherited(), ...Object.fromEntries(settings) }
    execFile(
      process.execPath,
      ['shared/commands/verify-archive.ts', '--key', PUBLIC_KEY, ...args],
      { env },
      (error, stdout) => resolve({ code: error?.code ?? 0, lines: stdout.trimEnd().split('\n') }),
    )
  })

test('entries of finished analyses are good, all and by id', async () => {
  const all = await verify()
  expect(all.code).toBe(0)
  expect(all.lines).toEqual([
    expect.stringMatching(`^good  ${ids[0]} executed `),
    expect.stringMatching(`^good  ${ids[1]} executed `),
    '2 of 2 entries are good',
  ])
  const one = await verify('--id', ids[1] ?? '')
  expect(one.lines).toEqual([expect.stringMatching(`^good  ${ids[1]} executed `), '1 of 1 entries are good'])
})

test.each([
  ['a line', 'po.line', 'message', 'lines of run 1 are not those that were signed'],
  ['a log', 'po.snapshot_piece', 'text', 'log of main in run 1 is not the one that was signed'],
])('%s that was changed in the database is found', async (_, table, column, reason) => {
  const replace = (from: string, to: string) =>
    database.query(
      (sql) => sql`
      update ${sql(table)} set ${sql(column)} = replace(${sql(column)}, ${from}, ${to})`,
    )
  await replace('a second one', 'another one')
  const { code, lines } = await verify()
  await replace('another one', 'a second one')
  expect(code).toBe(1)
  expect(lines).toEqual([
    expect.stringMatching(`^good  ${ids[0]} `),
    expect.stringMatching(`^BAD   ${ids[1]} executed .*  the ${reason}$`),
    '1 of 2 entries are good',
  ])
})

test('an entry changed in the database is found', async () => {
  await database.query(
    (sql) => sql`
    update po.archive set document = replace(document, 'executed', 'failed') where id = ${ids[1] ?? ''}`,
  )
  const { code, lines } = await verify()
  expect(code).toBe(1)
  expect(lines).toEqual([
    expect.stringMatching(`^good  ${ids[0]} `),
    expect.stringMatching(`^BAD   ${ids[1]} failed .*  the document is not the one that was signed$`),
    '1 of 2 entries are good',
  ])
})

test('an entry that was deleted in the database is missed, in the middle and at the end', async () => {
  const store = createPoStore(database)
  const sign = await createSign({ keyFile: join(dir, 'node.pem'), passphrase: '' })
  const restored = await database.query(
    (sql) => sql`
    update po.archive set document = replace(document, '"outcome":"failed"', '"outcome":"executed"') where id = ${ids[1] ?? ''}`,
  )
  expect(restored.count).toBe(1)
  for (let n = 0; n < 2; n += 1) {
    const analysis = await executing(store)
    await ended(store, analysis, 'executed')
    await store.archive(analysis.key, 'node-7', sign)
  }
  expect((await verify()).lines.at(-1)).toBe('4 of 4 entries are good')

  const take = (sequence: number) =>
    database.query((sql) => sql`delete from po.archive where document::json ->> 'sequence' = ${String(sequence)}`)
  await take(2)
  expect(await verify()).toMatchObject({ code: 1, lines: expect.arrayContaining(['BAD   entry 2 is missing']) })
  await take(4)
  expect((await verify()).lines.slice(-2)).toEqual(['BAD   entry 2 is missing', 'BAD   entry 4 is missing'])
  await take(1)
  expect((await verify()).lines.slice(-2)).toEqual([
    'BAD   entry 4 is missing',
    'note  the archive begins with entry 3: earlier ones were pruned, or taken away',
  ])
})
