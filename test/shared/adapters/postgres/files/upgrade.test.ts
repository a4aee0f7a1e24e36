/** What 0005 makes of a database that was in use before, and what the version before may still do to it. */
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { connect, type Database } from '../../../../../shared/adapters/postgres/database.ts'
import { createCatalogue, createRuns } from '../../../../../shared/adapters/postgres/files/index.ts'
import { defaultFolder, migrate, readMigrations } from '../../../../../shared/adapters/postgres/migrate.ts'
import { bringing, completing, objectId } from '../../../../conformance/dt-store/subject.ts'
import { databaseSettings } from '../../../../sandbox/postgres.ts'
import { startTestDatabases, type TestDatabases } from '../../../../sandbox/test-databases.ts'

const ID = 'a'.repeat(24)
const now = () => new Date()
let databases: TestDatabases
let database: Database

beforeAll(async () => {
  databases = await startTestDatabases()
})
afterAll(() => databases?.stop())
beforeEach(async () => {
  await database?.end()
  database = connect(databaseSettings(await databases.create('empty')))
  const folder = await mkdtemp(join(tmpdir(), 'migrations-'))
  for (const { name, number } of await readMigrations(defaultFolder()))
    if (number < 4) await copyFile(join(defaultFolder(), name), join(folder, name))
  await migrate(database, folder)
  await rm(folder, { recursive: true })
})
afterAll(() => database?.end())

/** A service whose run 0 is complete with two outputs of one content, and whose run 1 has brought a file. */
const inUse = () =>
  database.query((sql) =>
    sql
      .unsafe(`
        insert into dt.service (id, uid, spec, job_type, phase, firing, created_at)
          values ('${ID}', 'a-uid', '{"reps": 2}', 'ondemand', 'running', 0, now());
        insert into dt.content (body, sha256, md5, length, created_at)
          values (-1, decode(repeat('ab', 32), 'hex'), decode(repeat('ab', 16), 'hex'), 10, now()),
            (-2, decode(repeat('cd', 32), 'hex'), decode(repeat('cd', 16), 'hex'), 5, now());
        insert into dt.file (id, filename, origin, body, created_at, uploaded_at)
          values (repeat('1', 24), 'a', 'output', -1, now(), now()), (repeat('2', 24), 'b', 'output', -1, now(), now());
        insert into dt.output_set (service_id, firing, run_index, attempt, state, begun_at, ended_at)
          values ('${ID}', 0, 0, 0, 'complete', now(), now()), ('${ID}', 0, 1, 0, 'open', now(), null);
        insert into dt.output (service_id, seq, firing, run_index, attempt, path, file_id)
          values ('${ID}', 0, 0, 0, 0, 'a', repeat('1', 24)), ('${ID}', 1, 0, 0, 0, 'b', repeat('2', 24));
        insert into dt.part (service_id, firing, run_index, attempt, path, body) values ('${ID}', 0, 1, 0, 'c', -2);`)
      .simple(),
  )
const counts = async () => {
  const [row] = await database.query(
    (sql) => sql<{ files: number; bytes: number; next: number }[]>`
      select output_files::float8 as files, output_bytes::float8 as bytes, next_output as next from dt.service`,
  )
  return row
}
const run = (index: number) => ({ serviceId: objectId(ID), firing: 0, index, attempt: 0 })
const subject = () => ({ catalogue: createCatalogue(database), runs: createRuns(database), now })

test('outputs of before count, and the next one has the next place', async () => {
  await inUse()
  await migrate(database)
  expect(await counts()).toEqual({ files: 3, bytes: 25, next: 2 })
  expect(await createRuns(database).open(run(0), now())).toMatchObject({ state: 'complete', files: 2, bytes: 20 })
  expect(await createRuns(database).open(run(1), now())).toMatchObject({ state: 'open', files: 1, bytes: 5 })
  expect(await completing(subject(), run(1))).toBe('complete')
  expect(await counts()).toEqual({ files: 3, bytes: 25, next: 3 })
})

test('former tokens are taken of services that were there, and where there was none of none', async () => {
  await inUse()
  await migrate(database)
  expect(await createRuns(database).standing(run(0))).toMatchObject({ takesFormerTokens: true })
  await database.query((sql) => sql`update dt.service set created_at = now() + interval '25 hours'`)
  expect(await createRuns(database).standing(run(0))).toMatchObject({ takesFormerTokens: false })
})

test('a new installation takes no former token', async () => {
  await migrate(database)
  await inUse()
  expect(await createRuns(database).standing(run(0))).toMatchObject({ takesFormerTokens: false })
})

test('the version before goes on: its files are completed, its outputs have places of their own, what it deletes is free', async () => {
  await migrate(database)
  await inUse()
  // It counts nothing, and gives the place after the last one.
  expect(await counts()).toEqual({ files: 0, bytes: 0, next: 0 })
  await bringing(subject(), run(1), 'd')
  expect(await completing(subject(), run(1))).toBe('complete')
  const seqs = await database.query((sql) => sql<{ seq: number }[]>`select seq from dt.output order by seq`)
  expect(seqs.map(({ seq }) => seq)).toEqual([0, 1, 2, 3])
  expect(await counts()).toEqual({ files: 2, bytes: 6, next: 4 })
  await database.query((sql) => sql`delete from dt.output_set`)
  expect(await counts()).toEqual({ files: 0, bytes: 0, next: 4 })
})
