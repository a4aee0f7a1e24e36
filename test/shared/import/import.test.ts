/** `make import`, from a real server that speaks MongoDB's protocol into a real PostgreSQL. */
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { GridFSBucket, Long, MongoClient, ObjectId } from 'mongodb'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createDtStore } from '../../../shared/adapters/postgres/dt/index.ts'
import { connect, createBlobs } from '../../../shared/adapters/postgres/files/index.ts'
import { importCommand } from '../../../shared/commands/import.ts'
import type { ServiceId } from '../../../shared/dt/model.ts'
import type { Finding } from '../../../shared/import/import.ts'
import { wireImport } from '../../../shared/wire/import.ts'
import { databaseSettings } from '../../sandbox/postgres.ts'
import { databaseEnvironment } from '../../sandbox/settings.ts'
import { startTestDatabases } from '../../sandbox/test-databases.ts'

const URL = process.env['TEST_MONGO_URL']
if (!URL)
  console.error('NOT TESTED: make import from a real server. Set TEST_MONGO_URL (test/mongo/README.md) to run it.')

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex')
const LARGE = randomBytes(700_000)
const SMALL = Buffer.from('{"turnaround":3}')

describe.skipIf(!URL)('make import', () => {
  const name = `orchestrator_${randomBytes(4).toString('hex')}`
  const mongo = new MongoClient(URL ?? 'mongodb://localhost')
  let databases: Awaited<ReturnType<typeof startTestDatabases>>
  let env: Record<string, string>
  let database: ReturnType<typeof connect>
  const ids = {
    large: new ObjectId(),
    small: new ObjectId(),
    twin: new ObjectId(),
    service: new ObjectId(),
    server: new ObjectId(),
  }
  const AT = 1_721_389_777.25

  async function upload(id: ObjectId, filename: string, bytes: Buffer, hash = md5(bytes)): Promise<void> {
    const bucket = new GridFSBucket(mongo.db(`${name}_files`))
    const stream = bucket.openUploadStreamWithId(id, filename, { metadata: { hash } })
    await pipeline(Readable.from([bytes]), stream)
  }

  beforeAll(async () => {
    databases = await startTestDatabases()
    await upload(ids.large, 'input.xlsx', LARGE)
    await upload(ids.small, 'out "1".json', SMALL)
    await upload(ids.twin, 'out-2.json', SMALL)
    await mongo
      .db(name)
      .collection('services')
      .insertMany([
        {
          _id: ids.service,
          image: 'ghcr.io/hospital/des',
          version: 'latest',
          description: 'a model',
          mount_files: { [ids.large.toHexString()]: 'input.xlsx' },
          reps: Long.fromNumber(2),
          env: { HOURS: '7' },
          created_at: AT,
          // Not in the order of their ids.
          output_files: { [ids.twin.toHexString()]: 'out-2.json', [ids.small.toHexString()]: 'out "1".json' },
        },
        {
          _id: ids.server,
          image: 'server',
          version: '2',
          description: '',
          mount_files: null,
          reps: null,
          env: null,
          created_at: AT + 1,
        },
      ])
  }, 120_000)
  afterAll(async () => {
    await mongo.db(name).dropDatabase()
    await mongo.db(`${name}_files`).dropDatabase()
    await mongo.close()
    await databases?.stop()
  })
  beforeEach(async () => {
    const login = await databases.create()
    env = { ...databaseEnvironment(login), MONGO_URL: URL ?? '', MONGO_DB: name, MONGO_FILES_DB: `${name}_files` }
    database = connect(databaseSettings(login))
    return () => database.end()
  })

  async function run(...args: string[]) {
    const printed: string[] = []
    const complained: string[] = []
    const code = await importCommand([...args, '-o', 'json'], {
      print: (text) => printed.push(text),
      complain: (text) => complained.push(text),
      wire: () => wireImport(env, () => {}),
    })
    const { findings = [] } = JSON.parse(printed.join('') || '{}') as { findings?: readonly Finding[] }
    return {
      code,
      complained,
      verdicts: Object.fromEntries(findings.map(({ id, verdict }) => [id, verdict])),
      findings,
    }
  }
  const all = (verdict: string) => Object.fromEntries(Object.values(ids).map((id) => [id.toHexString(), verdict]))

  test('says what it would do, and writes nothing', async () => {
    expect(await run()).toMatchObject({ code: 0, verdicts: all('new') })
    const rows = await database.query((sql) => sql`select id from dt.service union all select id from dt.file`)
    expect([...rows]).toEqual([])
  })

  test('keeps ids, order, names, bytes and what belongs to what; again there is nothing to do', async () => {
    expect(await run('--apply')).toMatchObject({ code: 0, verdicts: all('taken') })
    expect(await run('--apply')).toMatchObject({ code: 0, verdicts: all('there') })
    const listed = await createDtStore(database).list(0, 10)
    const [service, server] = listed
    expect(listed.map(({ service: { id } }) => id)).toEqual([ids.service.toHexString(), ids.server.toHexString()])
    expect(service?.mounts).toEqual({ [ids.large.toHexString()]: 'input.xlsx' })
    expect(Object.entries(service?.outputs ?? {})).toEqual([
      [ids.twin.toHexString(), 'out-2.json'],
      [ids.small.toHexString(), 'out "1".json'],
    ])
    expect(service?.service).toMatchObject({
      phase: 'succeeded',
      counts: { succeeded: 2 },
      createdAt: new Date(AT * 1000),
      spec: { image: 'ghcr.io/hospital/des:latest', env: { HOURS: '7' }, reps: 2 },
    })
    expect(server?.service).toMatchObject({ phase: 'terminated', spec: { jobType: 'persistent' } })
    const { catalogue } = wireImport(env, () => {}).ports
    const file = await catalogue.find(ids.large.toHexString() as never)
    expect(file).toMatchObject({ filename: 'input.xlsx', md5: md5(LARGE), length: LARGE.length, origin: 'upload' })
    const pieces: Uint8Array[] = []
    const range = { from: 0, to: LARGE.length - 1 }
    for await (const piece of createBlobs(database).get(file?.body as never, range)) pieces.push(piece)
    expect(Buffer.concat(pieces).equals(LARGE)).toBe(true)
    // One content, two files: which of them a run left is not mixed up.
    const small = await catalogue.find(ids.small.toHexString() as never)
    expect(small?.body).toBe((await catalogue.find(ids.twin.toHexString() as never))?.body)
  })

  test('a resource of its id begins anew, with the mounts that were brought over', async () => {
    await run('--apply')
    const store = createDtStore(database)
    const id = ids.service.toHexString() as ServiceId
    const known = await store.find(id)
    const change = { kind: 'launched', id, at: new Date(), run: null, detail: {} } as never
    const spec = { ...(known?.spec as NonNullable<typeof known>['spec']), mountFiles: null }
    const adopted = await store.adopt({ id, uid: 'uid-1', spec, labels: {}, createdAt: new Date() }, change)
    expect(adopted).toMatchObject({ phase: 'pending', firing: 1 })
    expect((await store.listed(id))?.mounts).toEqual({ [ids.large.toHexString()]: 'input.xlsx' })
  })

  test('a bad document is said and stops nobody', async () => {
    const services = mongo
      .db(name)
      .collection<{ _id: unknown; image: string; reps?: number; output_files?: object }>('services')
    const chunks = mongo.db(`${name}_files`).collection('fs.chunks')
    const [gone, changed, short] = [new ObjectId(), new ObjectId(), new ObjectId()]
    await upload(changed, 'changed.bin', SMALL, md5(LARGE))
    await upload(short, 'short.bin', LARGE)
    await chunks.deleteOne({ files_id: short, n: 1 })
    await services.insertMany([
      { _id: 'by hand', image: 'x' },
      { _id: gone, image: 'y', reps: 1, output_files: { [new ObjectId().toHexString()]: 'z' } },
    ])
    try {
      const { code, verdicts, findings } = await run('--apply')
      expect(code).toBe(1)
      const ends = { 'by hand': 'refused', [gone.toHexString()]: 'taken' }
      const bad = { [changed.toHexString()]: 'refused', [short.toHexString()]: 'refused' }
      expect(verdicts).toEqual({ ...all('taken'), ...ends, ...bad })
      const notesOf = (id: string) => findings.find((finding) => finding.id === id)?.notes.join('; ')
      expect(notesOf('by hand')).toMatch('no ObjectId')
      expect(notesOf(gone.toHexString())).toMatch(/files that are not there: [0-9a-f]{24}/)
      expect(notesOf(changed.toHexString())).toMatch(`its MD5 is ${md5(SMALL)}`)
      expect(notesOf(short.toHexString())).toMatch('piece 1 of it is missing')
      const loose = await database.query((sql) => sql`select from dt.loose where not doomed`)
      expect(loose).toHaveLength(0)
    } finally {
      await services.deleteMany({ image: { $in: ['x', 'y'] } })
      const bucket = new GridFSBucket(mongo.db(`${name}_files`))
      for (const id of [changed, short]) await bucket.delete(id)
    }
  })

  test('another file or service of the same id is left as it is', async () => {
    await run('--apply')
    await database.query(
      (sql) => sql`update dt.service set spec = '{"image":"mine"}' where id = ${ids.server.toHexString()}`,
    )
    const files = mongo.db(`${name}_files`).collection('fs.files')
    await files.updateOne({ _id: ids.large }, { $set: { length: 5 } })
    try {
      const { code, findings } = await run('--apply')
      expect(code).toBe(1)
      const refused = findings.filter(({ verdict }) => verdict === 'refused').map(({ id, notes }) => [id, notes[0]])
      expect(refused).toEqual([
        [ids.large.toHexString(), 'another file has its id here'],
        [ids.server.toHexString(), 'another service has its id here'],
      ])
    } finally {
      await files.updateOne({ _id: ids.large }, { $set: { length: LARGE.length } })
    }
  })

  test('a server that is away is said without its address, and nothing is half done', async () => {
    env = { ...env, MONGO_URL: 'mongodb://root:pass-word@127.0.0.1:9/?serverSelectionTimeoutMS=300' }
    const { code, complained } = await run('--apply')
    expect(code).toBe(2)
    expect(complained.join(' ')).toMatch(/MongoDB did not answer/)
    expect(complained.join(' ')).not.toMatch(/pass-word|127\.0\.0\.1/)
  })
})

test.each([
  [['--what'], 'usage: '],
  [['-o', 'yaml'], 'usage: '],
])('%j is refused with its usage', async (args, said) => {
  const complained: string[] = []
  const wire = () => {
    throw new Error('nobody asked')
  }
  expect(await importCommand(args, { print: () => {}, complain: (text) => complained.push(text), wire })).toBe(2)
  expect(complained.join()).toContain(said)
})

test('every fault of the settings is named at once', async () => {
  const complained: string[] = []
  const deps = {
    print: () => {},
    complain: (text: string) => complained.push(text),
    wire: () => wireImport({ MONGO_URL: 'x' }, () => {}),
  }
  expect(await importCommand([], deps)).toBe(2)
  expect(complained.join()).toMatch(/POSTGRES_HOST|POSTGRES_USER/)
  expect(complained.join()).toMatch(/MONGO_URL: expected a mongodb/)
})
