/** What records say, and who can verify them. */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Envelope } from '../../../shared/po/ports/record.ts'
import { record } from '../../../shared/po/record.ts'
import { begun, LIMITS, line, moved, noReports } from '../../conformance/store/subject.ts'
import { findPython } from '../../python/program.ts'
import { DIGEST, type Key, PROOF, type Records, startRecords } from './records.ts'

const PYTHON = findPython('records are not verified with securesystemslib')
/** Keys of kinds that the library has, too. */
const ACCEPTED: readonly Key[] = ['node', 'ed25519', 'rsa']
const PEER = fileURLToPath(new URL('../../python/verify_record.py', import.meta.url))

let records: Records
beforeAll(async () => {
  records = await startRecords()
})
afterAll(() => records?.stop())

describe('a record', () => {
  test('says who asked for what, what ran, how it was isolated and how it ended', async () => {
    const analysis = await records.lived()
    const { id, run, firstRun } = analysis
    const { statement, envelope } = await records.sealed(analysis)
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
    const { code, printed } = await records.verify(envelope)
    expect(printed.at(-1)).toBe('1 of 1 records are good')
    expect(printed.join('\n')).toContain('runs: 2, with a proof of isolation: 1, statuses: 6, lines: 5')
    expect(code).toBe(0)
  })

  test('has no output of the analysis, which may have data of patients', async () => {
    const { statement } = await records.sealed(await records.lived())
    expect(JSON.stringify(statement)).not.toContain('1952')
    expect(JSON.stringify(statement)).not.toContain('Grüße')
  })

  test('is there once the analysis has ended, for each of its runs, and not before', async () => {
    const analysis = await records.lived()
    await expect(record(records, analysis.id, undefined)).rejects.toMatchObject({ code: 'not_found' })
    const { envelope } = await records.sealed(analysis)
    expect(await record(records, analysis.id, analysis.firstRun)).toEqual(envelope)
    const again = await begun(records.store, { id: analysis.id })
    expect(await record(records, analysis.id, undefined)).toEqual(envelope)
    await expect(record(records, analysis.id, again.run)).rejects.toMatchObject({ code: 'not_found' })
    const { envelope: second } = await records.sealed(again)
    expect(await record(records, analysis.id, undefined)).toEqual(second)
    expect(await record(records, analysis.id, analysis.run)).toEqual(envelope)
  })

  test('counts lines that a limit left out, and their chain still begins where it should', async () => {
    const { id, key } = await begun(records.store)
    const limits = { ...LIMITS, runLines: 10 }
    for (let n = 0; n < 40; n += 1)
      await records.store.appendLine(id, null, line({ message: `line ${n}` }), noReports, limits)
    const { statement } = await records.sealed(moved(await records.store.transition(key, ['starting'], 'executing')))
    expect(statement.predicate.changed).toEqual([])
    const [lines] = statement.predicate.lines
    expect(lines?.count).toBe(40)
    expect(lines?.leftOut).toBeGreaterThanOrEqual(30)
  })

  test.each<Key>(['node', 'p384', 'ed25519', 'rsa'])('is verified with the public key of %s', async (key) => {
    const { envelope } = await records.sealed(await records.lived(), records.signer(key))
    expect((await records.verify(envelope, key)).code).toBe(0)
  })

  test('without a key is unsigned, and says so', async () => {
    const { envelope } = await records.sealed(await records.lived(), records.signer())
    const { code, printed } = await records.verify(envelope)
    expect(code).toBe(1)
    expect(printed[0]).toBe('BAD   FILE  it is not signed')
  })

  test.skipIf(!PYTHON).each(ACCEPTED)('is verified by securesystemslib, with the key of %s', async (key) => {
    const { envelope, statement } = await records.sealed(await records.lived(), records.signer(key))
    const run = (one: Envelope) => {
      const args = [PEER, records.write(one), records.publicKeyFile(key)]
      return JSON.parse(execFileSync(PYTHON ?? '', args, { encoding: 'utf8', stdio: 'pipe' }))
    }
    expect(run(envelope)).toEqual({ keys: [envelope.signatures[0]?.keyid], statement })
    const payload = Buffer.from(JSON.stringify({ ...statement, subject: [] })).toString('base64')
    expect(() => run({ ...envelope, payload })).toThrow('VerificationError')
    expect(() => run({ ...envelope, payloadType: 'application/json' })).toThrow('VerificationError')
  })
})
