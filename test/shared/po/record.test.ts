/** Records on a real PostgreSQL: what they say, and that what is changed in the database before or after them is found. */
import { execFileSync } from 'node:child_process'
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createSignEnvelope } from '../../../shared/adapters/envelope.ts'
import { connect, createPoStore, type Database } from '../../../shared/adapters/postgres/po/index.ts'
import { PAYLOAD_TYPE, recordMaker, type Statement } from '../../../shared/adapters/statement.ts'
import { verifyRecords } from '../../../shared/commands/verify-record.ts'
import type { Analysis, RunEvidence } from '../../../shared/po/model.ts'
import type { Envelope } from '../../../shared/po/ports/record.ts'
import type { PoStore } from '../../../shared/po/ports/store.ts'
import { record, sealAndArchive } from '../../../shared/po/record.ts'
import { append, begun, ended, LIMITS, LOG_BYTES, line, moved, noReports } from '../../conformance/store/subject.ts'
import { databaseSettings } from '../../sandbox/postgres.ts'
import { startTestDatabases, type TestDatabases } from '../../sandbox/test-databases.ts'
import { SETTINGS } from './fixture.ts'

const PYTHON = process.env['TEST_PYTHON']
if (!PYTHON) {
  const message = 'no TEST_PYTHON: records are not verified with securesystemslib; see test/python/requirements.in'
  if (process.env['CI']) throw new Error(message)
  process.stderr.write(`SKIPPED: ${message}\n`)
}
const PEER = fileURLToPath(new URL('../../python/verify_record.py', import.meta.url))

const dir = mkdtempSync(join(tmpdir(), 'record-'))
const DIGEST = `sha256:${'ab'.repeat(32)}`
const PROOF = { closed: ['api'], open: [], works: ['proxy'], ms: 12 } as never
const EVIDENCE: Omit<RunEvidence, 'run'> = {
  fault: 'exit',
  at: '2026-01-02T03:04:05.000Z',
  cause: 'exit code 3',
  exitCode: 3,
  lastLines: ['a patient of 1952'],
  memoryLimit: '1Gi',
}

let databases: TestDatabases
let database: Database
let store: PoStore

function writeKeys(name: string, { privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject }) {
  writeFileSync(join(dir, `${name}.pem`), privateKey.export({ format: 'pem', type: 'pkcs8' }))
  writeFileSync(join(dir, `${name}.pub.pem`), publicKey.export({ format: 'pem', type: 'spki' }))
}

beforeAll(async () => {
  writeKeys('node', generateKeyPairSync('ec', { namedCurve: 'P-256' }))
  writeKeys('other', generateKeyPairSync('ec', { namedCurve: 'P-256' }))
  writeKeys('p384', generateKeyPairSync('ec', { namedCurve: 'P-384' }))
  writeKeys('ed25519', generateKeyPairSync('ed25519'))
  writeKeys('rsa', generateKeyPairSync('rsa', { modulusLength: 2048 }))
  databases = await startTestDatabases()
  database = connect(databaseSettings(await databases.create()))
  store = createPoStore(database)
})
afterAll(async () => {
  await database?.end({ timeout: 0 })
  await databases?.stop()
  rmSync(dir, { recursive: true })
})

const signer = (key: string) => createSignEnvelope({ keyFile: join(dir, `${key}.pem`), passphrase: '' })

/** An analysis whose first run crashes and whose second one executes, with lines, a log and facts of both. */
async function lived(): Promise<Analysis> {
  const { id, key, run } = await begun(store, { requestedBy: 'subject-17' })
  await store.transition(key, ['starting'], 'started', { policies: { 'a-policy': '{}' } })
  await append(store, id, null, line({ message: 'Grüße 😀' }))
  await append(store, id, null, line({ message: 'a second one', status: 'of two\nlines' }))
  await store.saveRunFacts(key, run, { proof: PROOF, imageDigest: DIGEST })
  await store.transition(key, ['started'], 'restarting', {
    cause: EVIDENCE.cause,
    evidence: { ...EVIDENCE, run },
    lines: [line({ message: 'of the orchestrator' }), line({ message: 'and another' })],
  })
  const next = moved(await store.transition(key, ['restarting'], 'starting', { nextRun: true, cause: null }))
  await append(store, id, null, line({ message: 'of the next run' }))
  await store.saveRunFacts(key, next.run, { proof: null, imageDigest: DIGEST })
  await store.saveSnapshots(
    key,
    [{ run: next.run, kind: 'analysis', container: 'main', text: 'printed', leftOut: 0 }],
    LOG_BYTES,
  )
  return moved(await store.transition(key, ['starting'], 'executing'))
}

async function sealed(analysis: Analysis, key = 'node'): Promise<{ envelope: Envelope; statement: Statement }> {
  await ended(store, analysis, 'executed')
  const makeRecord = recordMaker(await signer(key))
  await sealAndArchive({ store, sign: async () => null, makeRecord, settings: SETTINGS }, analysis.key)
  const envelope = await record({ store }, analysis.id, undefined)
  return { envelope, statement: JSON.parse(Buffer.from(envelope.payload, 'base64').toString()) }
}

async function verify(envelope: unknown, key = 'node') {
  const file = join(dir, 'record.json')
  writeFileSync(file, typeof envelope === 'string' ? envelope : JSON.stringify(envelope))
  const printed: string[] = []
  const code = await verifyRecords(['--key', join(dir, `${key}.pub.pem`), file], {
    print: (text) => void printed.push(text.replace(file, 'FILE')),
    complain: (text) => void printed.push(text),
    read: (path) => readFileSync(path, 'utf8'),
  })
  return { code, printed }
}

describe('a record', () => {
  test('says who asked for what, what ran, how it was isolated and how it ended', async () => {
    const analysis = await lived()
    const { id, run, firstRun } = analysis
    const { statement, envelope } = await sealed(analysis)
    const { predicate, subject } = statement
    expect(subject).toEqual([
      { name: `request ${id}`, digest: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) } },
      { name: 'harbor.example/project/mean:latest', digest: { sha256: 'ab'.repeat(32) } },
    ])
    expect(predicate.request).toEqual({
      analysisId: id,
      projectId: '7a5d7c3e-1d0c-4f3b-9a52-0f4c6a3b2d11',
      image: 'harbor.example/project/mean:latest',
      registryHost: 'harbor.example',
      readsData: true,
      requestedBy: 'subject-17',
    })
    expect(predicate.runs).toEqual([
      {
        run: firstRun,
        imageDigest: DIGEST,
        policies: { 'a-policy': createHash('sha256').update('{}').digest('hex') },
        isolation: PROOF,
        faults: [expect.objectContaining({ fault: 'exit', exitCode: 3, cause: 'exit code 3' })],
      },
      { run, imageDigest: DIGEST, policies: null, isolation: null, faults: [] },
    ])
    expect(predicate.statuses.map(({ run, state, cause }) => [run, state, cause])).toEqual([
      [firstRun, 'starting', null],
      [firstRun, 'started', null],
      [firstRun, 'restarting', 'exit code 3'],
      [run, 'starting', null],
      [run, 'executing', null],
      [run, 'executed', null],
    ])
    expect(predicate.end).toMatchObject({ state: 'executed', run })
    expect(predicate.lines.map(({ run, count, leftOut }) => [run, count, leftOut])).toEqual([
      [firstRun, 4, 0],
      [run, 1, 0],
    ])
    expect(predicate.logs).toMatchObject([{ container: 'main', bytes: 7 }])
    expect(predicate.changed).toEqual([])
    const { code, printed } = await verify(envelope)
    expect(printed.at(-1)).toBe('1 of 1 records are good')
    expect(printed.join('\n')).toContain('runs: 2, with a proof of isolation: 1, statuses: 6, lines: 5')
    expect(code).toBe(0)
  })

  test('has no output of the analysis, which may have data of patients', async () => {
    const { statement } = await sealed(await lived())
    expect(JSON.stringify(statement)).not.toContain('1952')
    expect(JSON.stringify(statement)).not.toContain('Grüße')
  })

  test('is there once the analysis has ended, for each of its runs, and not before', async () => {
    const analysis = await lived()
    await expect(record({ store }, analysis.id, undefined)).rejects.toMatchObject({ code: 'not_found' })
    const { envelope } = await sealed(analysis)
    expect(await record({ store }, analysis.id, analysis.firstRun)).toEqual(envelope)
    const again = await begun(store, { id: analysis.id })
    expect(await record({ store }, analysis.id, undefined)).toEqual(envelope)
    await expect(record({ store }, analysis.id, again.run)).rejects.toMatchObject({ code: 'not_found' })
    const { envelope: second } = await sealed(again)
    expect(await record({ store }, analysis.id, undefined)).toEqual(second)
    expect(await record({ store }, analysis.id, analysis.run)).toEqual(envelope)
  })

  test('counts lines that a limit left out, and their chain still begins where it should', async () => {
    const { id, key } = await begun(store)
    const limits = { ...LIMITS, runLines: 10 }
    for (let n = 0; n < 40; n += 1) await store.appendLine(id, null, line({ message: `line ${n}` }), noReports, limits)
    const { statement } = await sealed(moved(await store.transition(key, ['starting'], 'executing')))
    expect(statement.predicate.changed).toEqual([])
    const [lines] = statement.predicate.lines
    expect(lines?.count).toBe(40)
    expect(lines?.leftOut).toBeGreaterThanOrEqual(30)
  })

  test.each(['node', 'p384', 'ed25519', 'rsa'])('is verified with the public key of %s', async (key) => {
    const { envelope } = await sealed(await lived(), key)
    expect((await verify(envelope, key)).code).toBe(0)
  })

  test('without a key is unsigned, and says so', async () => {
    const analysis = await lived()
    await ended(store, analysis, 'executed')
    const makeRecord = recordMaker(await createSignEnvelope({ keyFile: '', passphrase: '' }))
    await sealAndArchive({ store, sign: async () => null, makeRecord, settings: SETTINGS }, analysis.key)
    const { code, printed } = await verify(await record({ store }, analysis.id, undefined))
    expect(code).toBe(1)
    expect(printed[0]).toBe('BAD   FILE  it is not signed')
  })

  test.skipIf(!PYTHON).each(['node', 'ed25519', 'rsa'])(
    'is verified by securesystemslib, with the key of %s',
    async (key) => {
      const { envelope, statement } = await sealed(await lived(), key)
      const run = (one: Envelope) => {
        writeFileSync(join(dir, 'peer.json'), JSON.stringify(one))
        const args = [PEER, join(dir, 'peer.json'), join(dir, `${key}.pub.pem`)]
        return JSON.parse(execFileSync(PYTHON ?? '', args, { encoding: 'utf8', stdio: 'pipe' }))
      }
      expect(run(envelope)).toEqual({ keys: [envelope.signatures[0]?.keyid], statement })
      const payload = Buffer.from(JSON.stringify({ ...statement, subject: [] })).toString('base64')
      expect(() => run({ ...envelope, payload })).toThrow('VerificationError')
      expect(() => run({ ...envelope, payloadType: 'application/json' })).toThrow('VerificationError')
    },
  )
})

const MESSAGE = 'is not the one that was written'

/** What a writer of the database does to a live analysis, and what its record says of it. */
const CHANGES: readonly (readonly [what: string, sql: string, said: string])[] = [
  [
    'the image',
    `update po.analysis set image = 'evil' where key = $1`,
    'the analysis is not the one that was asked for',
  ],
  ['the project', `update po.analysis set project_id = 'p' where key = $1`, 'the analysis is not the one'],
  ['who asked', `update po.analysis set requested_by = 'x' where key = $1`, 'the analysis is not the one'],
  ['that none asked', `update po.analysis set requested_by = null where key = $1`, 'the analysis is not the one'],
  ['the registry', `update po.analysis set registry_host = 'x' where key = $1`, 'the analysis is not the one'],
  ['that it reads data', `update po.analysis set needs_kong = false where key = $1`, 'the analysis is not the one'],
  ['the request', `update po.journal set body = '{}' where key = $1 and n = 1`, `entry 1 of the journal ${MESSAGE}`],
  [
    'a time',
    `update po.journal set at = at - interval '1 s' where key = $1 and n = 4`,
    `entry 4 of the journal ${MESSAGE}`,
  ],
  ['a run', `update po.journal set run = 7 where key = $1 and n = 3`, `entry 3 of the journal ${MESSAGE}`],
  ['a kind', `update po.journal set kind = 'image' where key = $1 and n = 3`, `entry 3 of the journal ${MESSAGE}`],
  ['a status', `update po.journal set body = replace(body, 'restarting', 'executing') where key = $1`, MESSAGE],
  ['a cause', `update po.journal set body = replace(body, 'exit code 3', 'none') where key = $1`, MESSAGE],
  ['a proof', `update po.journal set body = replace(body, 'api', 'x') where key = $1 and kind = 'isolation'`, MESSAGE],
  ['an image', `update po.journal set body = replace(body, 'ab', 'ac') where key = $1 and kind = 'image'`, MESSAGE],
  ['what is no JSON', `update po.journal set body = '{' where key = $1 and n > 2`, `entry 3 of the journal ${MESSAGE}`],
  ['policies', `update po.journal set body = '{}' where key = $1 and kind = 'policies'`, MESSAGE],
  ['a fault', `update po.journal set body = '{}' where key = $1 and kind = 'fault'`, MESSAGE],
  ['a digest', `update po.journal set sha256 = 'x' where key = $1 and n = 5`, `entry 5 of the journal ${MESSAGE}`],
  ['no first entry', `delete from po.journal where key = $1 and n = 1`, 'entries of the journal were deleted or added'],
  [
    'the last entry',
    'delete from po.journal entry where key = $1 and n = (select max(n) from po.journal where key = entry.key)',
    'entries of the journal were deleted or added',
  ],
  ['the head of the journal', `update po.journal_head set sha256 = 'x' where key = $1`, 'the journal'],
  [
    'an entry less',
    `delete from po.journal where key = $1 and kind = 'isolation'`,
    'entries of the journal were deleted or added',
  ],
  ['no fault', `delete from po.journal where key = $1 and kind = 'fault'`, MESSAGE],
  [
    'two in another order',
    `update po.journal set n = case n when 3 then 100 else 3 end where key = $1 and n in (3, 4);
     update po.journal set n = 4 where key = $1 and n = 100`,
    MESSAGE,
  ],
  [
    'a message',
    `update po.line set message = 'x' where key = $1 and message = 'a second one'`,
    `line 2 of run 1 ${MESSAGE}`,
  ],
  [
    'a level',
    `update po.line set level = 'error' where key = $1 and message = 'Grüße 😀'`,
    `line 1 of run 1 ${MESSAGE}`,
  ],
  ['what a line says of its status', `update po.line set status = 'y' where key = $1`, `line 1 of run 1 ${MESSAGE}`],
  ['a progress', `update po.line set progress = 99 where key = $1 and run = 2`, `line 1 of run 2 ${MESSAGE}`],
  ['when a line came', `update po.line set at = at + interval '1 s' where key = $1`, MESSAGE],
  ['the run of a line', `update po.line set run = 2 where key = $1 and message = 'and another'`, MESSAGE],
  ['the first line', `delete from po.line where key = $1 and message = 'Grüße 😀'`, MESSAGE],
  ['a line in the middle', `delete from po.line where key = $1 and message = 'a second one'`, MESSAGE],
  [
    'the last line',
    `delete from po.line where key = $1 and message = 'and another'`,
    '1 lines at the end of run 1 were deleted',
  ],
  ['all lines of a run', `delete from po.line where key = $1 and run = 2`, '1 lines at the end of run 2 were deleted'],
  ['the count of lines', `update po.line_chain set n = n - 1 where key = $1 and run = 2`, 'run 2'],
  [
    'the head of a chain',
    `update po.line_chain set sha256 = 'x' where key = $1 and run = 2`,
    'the lines of run 2 are not those that were counted',
  ],
  ['no chain', `delete from po.line_chain where key = $1 and run = 2`, 'run 2'],
  ['a line that never came', INSERTED(), MESSAGE],
]

/** With a trigger switched off, as only the owner of the table can. */
function INSERTED(): string {
  return `alter table po.line disable trigger line_chained;
    insert into po.line (key, run, at, level, status, progress, message) values ($1, 1, now(), 'info', '', 0, 'forged');
    alter table po.line enable trigger line_chained`
}

describe(`of an analysis that was changed in the database, in ${CHANGES.length} ways`, () => {
  test.each(CHANGES)('%s: its record says so, and is not good', async (_, sql, said) => {
    const analysis = await lived()
    for (const statement of sql.split(';'))
      await database.query((db) => db.unsafe(statement.replace('$1', analysis.key)))
    const { envelope, statement } = await sealed(analysis)
    expect(statement.predicate.changed.join(', ')).toContain(said)
    const { code, printed } = await verify(envelope)
    expect(code).toBe(1)
    expect(printed[0]).toContain('the database of the node was changed')
  })

  test('a digest or proof that somebody writes later stands in the journal, and does not replace the first one', async () => {
    const analysis = await lived()
    const forged = `sha256:${'ef'.repeat(32)}`
    await database.query((sql) => sql`update po.run set image_digest = ${forged} where key = ${analysis.key}`)
    await database.query(
      (sql) => sql`update po.run set isolation = '{"open":["all"]}' where key = ${analysis.key} and run = 1`,
    )
    const { predicate } = (await sealed(analysis)).statement
    expect(predicate.runs.map(({ imageDigest }) => imageDigest)).toEqual([DIGEST, DIGEST])
    expect(predicate.runs[0]?.isolation).toEqual(PROOF)
    expect(predicate.journal.map(({ body }) => body)).toContain(`"${forged}"`)
  })

  test('the record itself changed, or signed by another key, is not good', async () => {
    const { envelope, statement } = await sealed(await lived())
    const { predicate } = statement
    const payload = (changed: object) => Buffer.from(JSON.stringify(changed)).toString('base64')
    const forged = [
      { ...envelope, payload: payload({ ...statement, predicate: { ...predicate, node: 'another' } }) },
      { ...envelope, payload: payload({ ...statement, subject: [] }) },
      { ...envelope, payloadType: 'application/json' },
      { ...envelope, signatures: [] },
      { ...envelope, signatures: [{ keyid: '', sig: 'AAAA' }] },
      'no JSON',
    ]
    for (const one of forged) expect((await verify(one)).code, JSON.stringify(one).slice(0, 80)).toBe(1)
    expect((await verify(envelope, 'other')).printed[0]).toBe('BAD   FILE  signed with another key')
  })

  test('a record that a thief of the key signed must follow from its journal', async () => {
    const { statement } = await sealed(await lived())
    const { predicate } = statement
    const sign = await signer('node')
    const forged = [
      { ...predicate, request: { ...predicate.request, requestedBy: 'x' } },
      { ...predicate, runs: predicate.runs.slice(1) },
      { ...predicate, statuses: predicate.statuses.slice(1) },
      { ...predicate, journal: predicate.journal.slice(1) },
      { ...predicate, lines: undefined },
      { node: 'node' },
    ]
    for (const one of forged) {
      const envelope = sign(PAYLOAD_TYPE, JSON.stringify({ ...statement, predicate: one }))
      expect((await verify(envelope)).code).toBe(1)
    }
  })
})
