/** The tables of the Python service as they are read: any text may stand in them, and nothing of them is written. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { connect, type Database } from '../../../../shared/adapters/postgres/po/index.ts'
import { createPredecessor } from '../../../../shared/adapters/postgres/po/predecessor.ts'
import type { FormerRow, Predecessor } from '../../../../shared/po/ports/adopt.ts'
import {
  CREATED,
  createFormerTables,
  formerRow,
  insertFormer,
  SECRETS,
  type StoredRow,
} from '../../../predecessor/tables.ts'
import { databaseSettings } from '../../../sandbox/postgres.ts'
import { startTestDatabases, type TestDatabases } from '../../../sandbox/test-databases.ts'

let databases: TestDatabases
let database: Database
let predecessor: Predecessor

beforeAll(async () => {
  databases = await startTestDatabases()
  database = connect({ ...databaseSettings(await databases.create('empty')), POSTGRES_MAX: 2 })
  predecessor = createPredecessor(database)
})
afterAll(async () => {
  await database?.end()
  await databases?.stop()
})
beforeEach(async () => {
  await database.query((sql) => sql`drop table if exists public.analysis, public.archive`)
})

async function stored(fields: Partial<StoredRow>): Promise<FormerRow> {
  await createFormerTables(database)
  await insertFormer(database, formerRow(randomUUID(), 1, fields))
  const [row] = await predecessor.rows()
  if (!row) throw new Error('no row')
  return row
}

describe('what is missing', () => {
  test('both tables', async () => expect(await predecessor.missing()).toEqual(['analysis', 'archive']))
  test('a column', async () => {
    await createFormerTables(database)
    await database.query((sql) => sql`alter table public.archive drop column kong_token`)
    expect(await predecessor.missing()).toEqual(['archive.kong_token'])
  })
  test('nothing', async () => {
    await createFormerTables(database)
    expect(await predecessor.missing()).toEqual([])
  })
})

describe('rows', () => {
  test('come with the archive first, each table oldest first', async () => {
    await createFormerTables(database)
    const id = randomUUID()
    for (const run of [3, 1]) await insertFormer(database, formerRow(id, run))
    await insertFormer(database, formerRow(id, 2), 'archive')
    const rows = await predecessor.rows()
    expect(rows.map(({ table, deployment }) => `${table} ${deployment.at(-1)}`)).toEqual([
      'archive 2',
      'analysis 1',
      'analysis 3',
    ])
    expect(rows[1]?.createdAt).toEqual(new Date((CREATED + 1) * 1000))
  })

  test('may have nothing in any column', async () => {
    const row = formerRow('', 1)
    const nulls = Object.fromEntries(Object.keys(row).map((column) => [column, null]))
    expect(await stored(nulls)).toMatchObject({ analysisId: '', deployment: '', status: '', kong: 'missing' })
  })

  test.each([
    ['none_needed', 'unneeded'],
    ['', 'missing'],
    [null, 'missing'],
    ['x', 'given'],
  ])('with the token %j for kong: %s', async (kong_token, kong) =>
    expect((await stored({ kong_token })).kong).toBe(kong),
  )

  test('tell no secret', async () => {
    const text = JSON.stringify(await stored({}))
    expect(text).not.toContain(SECRETS.kong)
    expect(text).not.toContain('pässwörd')
  })
})

describe('the log of a row', () => {
  test.each([[null], ['']])('%j is none', async (log) => {
    expect(await predecessor.log(await stored({ log }), 100)).toBeUndefined()
  })
  test('is given without the secrets of its row', async () => {
    const row = await stored({ log: `a ${SECRETS.kong} b ${SECRETS.password} c ${SECRETS.kong}` })
    expect(await predecessor.log(row, 1000)).toEqual({ text: 'a [secret] b [secret] c [secret]', leftOut: 0 })
  })
  test('is its end if it is long, and no half character', async () => {
    const row = await stored({ log: `${'ä'.repeat(100)}end` })
    expect(await predecessor.log(row, 10)).toEqual({ text: 'äääend', leftOut: expect.any(Number) })
  })
})

test('secrets are given for a row, and undefined when it is gone', async () => {
  const row = await stored({ registry_user: null })
  expect(await predecessor.secrets(row)).toEqual({
    registryUser: '',
    registryPassword: SECRETS.password,
    kongToken: SECRETS.kong,
  })
  await database.query((sql) => sql`delete from public.analysis`)
  expect(await predecessor.secrets(row)).toBeUndefined()
})
