/** What 0004 makes of lines, logs and archive entries of the version before, and what that may still write. */
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { defaultFolder, migrate, readMigrations } from '../../../../shared/adapters/postgres/migrate.ts'
import { connect, createPoStore, type Database } from '../../../../shared/adapters/postgres/po/index.ts'
import type { AnalysisId, AnalysisKey, RunNumber } from '../../../../shared/po/model.ts'
import { append, historyOf, line, unsigned } from '../../../conformance/store/subject.ts'
import { databaseSettings } from '../../../sandbox/postgres.ts'
import { startTestDatabases, type TestDatabases } from '../../../sandbox/test-databases.ts'

const [LIVE, PAST] = ['1'.repeat(8), '2'.repeat(8)].map((text) => `${text}-0000-4000-8000-000000000000`) as [
  AnalysisId,
  AnalysisId,
]
let databases: TestDatabases
let database: Database

beforeAll(async () => {
  databases = await startTestDatabases()
})
afterAll(async () => {
  await database?.end()
  await databases?.stop()
})
beforeEach(async () => {
  await database?.end()
  database = connect(databaseSettings(await databases.create('empty')))
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'))
  for (const { name, number } of await readMigrations(defaultFolder()))
    if (number < 4) await copyFile(join(defaultFolder(), name), join(folder, name))
  await migrate(database, folder)
  await rm(folder, { recursive: true })
})

const unsafe = (statements: string) => database.query((sql) => sql.unsafe(statements).simple())

const analysis = (id: AnalysisId, state: string) => `
  insert into po.identity (id, last_run) values ('${id}', 2);
  insert into po.analysis (id, spelling, project_id, image, registry_host, needs_kong, state, progress, first_run, run,
      since, run_since, due_at, created_at)
    values ('${id}', '${id}', 'p', 'i', 'h', true, '${state}', 1, 1, 2, now(), now(), now(), now());
  insert into po.run (key, run, started_at) select key, n, now() from po.analysis, generate_series(1, 2) n where id = '${id}';
  insert into po.line (key, run, at, level, status, progress, message)
    select key, 1, '2026-01-05T08:00:00.250Z', 'info', 'executing', 1, 'line ' || n
    from po.analysis, generate_series(1, 3) n where id = '${id}';
  insert into po.snapshot (key, run, kind, container, truncated, text)
    select key, 2, 'analysis', 'main', true, repeat('äx', 200000) from po.analysis where id = '${id}';`

/** As the version before archives: one document, and then the row goes. */
const archive = (id: AnalysisId) => `
  insert into po.archive (key, id, spelling, outcome, ended_at, archived_at, document, signature, bytes)
  select key, id, spelling, 'executed', now(), now(), json_build_object(
    'analysisId', id, 'spelling', spelling, 'outcome', 'executed',
    'runs', (select json_agg(json_build_object('run', run, 'startedAt', started_at, 'endedAt', null, 'cause', null)) from po.run r where r.key = a.key),
    'lines', (select json_agg(json_build_object('run', run, 'at', at, 'level', level, 'status', status, 'progress', progress, 'message', message) order by seq) from po.line l where l.key = a.key),
    'logs', (select json_agg(json_build_object('run', run, 'kind', kind, 'container', container, 'truncated', truncated, 'text', text)) from po.snapshot s where s.key = a.key)
  )::text, 'a.b.c', 1
  from po.analysis a where id = '${id}';
  delete from po.analysis where id = '${id}';`

const TEXTS = (id: AnalysisId) => ({
  analysis: {
    [id]: [[1, 2, 3].map((n) => `2026-01-05T08:00:00.250Z info line ${n}`).join('\n'), 'äx'.repeat(200_000)],
  },
  nginx: {},
})

const counts = async (): Promise<number[]> =>
  Promise.all(
    ['run', 'line', 'snapshot', 'snapshot_piece'].map(async (table) =>
      Number((await database.query((sql) => sql`select count(*) as count from ${sql(`po.${table}`)}`))[0]?.['count']),
    ),
  )

test('an entry that was archived before is read as it was, and its signed document stays', async () => {
  await unsafe(analysis(PAST, 'executed') + archive(PAST))
  const documents = () => database.query((sql) => sql`select document, signature from po.archive`)
  const before = [...(await documents())]
  await migrate(database)
  expect([...(await documents())]).toEqual(before)
  const store = createPoStore(database)
  expect(await historyOf(store, PAST)).toEqual(TEXTS(PAST))
  expect(await store.unpackArchive()).toBe(false)
  expect(await store.pruneArchive({ maxAgeDays: 0, maxMiB: 0 })).toBe(0)
})

test('lines and logs of a live analysis are counted, kept, and archived', async () => {
  await unsafe(analysis(LIVE, 'executing'))
  await migrate(database)
  const store = createPoStore(database)
  const key = (await store.find(LIVE))?.key ?? ('' as AnalysisKey)
  const size = 3 * 'executingline 1'.length
  expect(await store.texts(key)).toEqual({
    runs: [
      { run: 1, lines: { count: 3, bytes: size, leftOut: 0, leftOutBytes: 0 } },
      { run: 2, lines: { count: 0, bytes: 0, leftOut: 0, leftOutBytes: 0 } },
    ],
    logs: [{ run: 2, kind: 'analysis', container: 'main', bytes: 600_000, leftOut: 0 }],
  })
  await append(store, LIVE, 2 as RunNumber, line({ message: 'after the upgrade' }))
  await store.transition(key, ['executing'], 'executed')
  await store.archive(key, 'node', unsigned)
  expect(await historyOf(store, LIVE)).toEqual(TEXTS(LIVE))
})

test('what the version before archives meanwhile is read after the next sweep, and nothing of it is there twice', async () => {
  await migrate(database)
  await unsafe(analysis(PAST, 'executed'))
  await unsafe(archive(PAST))
  expect(await counts()).toEqual([0, 0, 0, 0])
  const store = createPoStore(database)
  expect(await store.unpackArchive()).toBe(true)
  expect(await store.unpackArchive()).toBe(false)
  expect(await historyOf(store, PAST)).toEqual(TEXTS(PAST))
})

test('a log that the version before writes meanwhile is read and archived', async () => {
  await migrate(database)
  await unsafe(analysis(LIVE, 'failed'))
  const store = createPoStore(database)
  expect(await historyOf(store, LIVE)).toEqual(TEXTS(LIVE))
  const key = (await store.find(LIVE))?.key ?? ('' as AnalysisKey)
  await store.archive(key, 'node', unsigned)
  expect(await historyOf(store, LIVE)).toEqual(TEXTS(LIVE))
})

test('nothing is left of an entry that is pruned, of a row that is deleted, and of a reset by the version before', async () => {
  await migrate(database)
  const store = createPoStore(database)
  await unsafe(analysis(PAST, 'executed'))
  await store.archive((await store.find(PAST))?.key ?? ('' as AnalysisKey), 'node', unsigned)
  expect((await counts())[1]).toBe(3)
  await unsafe(`update po.archive set archived_at = now() - interval '10 days'`)
  expect(await store.pruneArchive({ maxAgeDays: 1, maxMiB: 0 })).toBe(1)
  expect(await counts()).toEqual([0, 0, 0, 0])
  await unsafe(analysis(LIVE, 'starting'))
  await unsafe('delete from po.analysis')
  expect(await counts()).toEqual([0, 0, 0, 0])
  await unsafe('truncate po.analysis, po.run, po.line, po.snapshot, po.archive')
})
