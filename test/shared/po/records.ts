/** Analyses on a real PostgreSQL whose records are made and verified, and the keys of their nodes. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSignEnvelope } from '../../../shared/adapters/envelope.ts'
import { connect, createPoStore } from '../../../shared/adapters/postgres/po/index.ts'
import { recordMaker, type Statement } from '../../../shared/adapters/statement.ts'
import { verifyRecords } from '../../../shared/commands/verify-record.ts'
import type { Analysis, RunEvidence } from '../../../shared/po/model.ts'
import type { Envelope } from '../../../shared/po/ports/record.ts'
import { record, sealAndArchive } from '../../../shared/po/record.ts'
import { append, begun, ended, LOG_BYTES, line, moved } from '../../conformance/store/subject.ts'
import { databaseSettings } from '../../sandbox/postgres.ts'
import { startTestDatabases } from '../../sandbox/test-databases.ts'
import { SETTINGS } from './fixture.ts'

export const DIGEST = `sha256:${'ab'.repeat(32)}`
export const PROOF = { closed: ['api'], open: [], works: ['proxy'], ms: 12 } as never
const EVIDENCE: Omit<RunEvidence, 'run'> = {
  fault: 'exit',
  at: '2026-01-02T03:04:05.000Z',
  cause: 'exit code 3',
  exitCode: 3,
  lastLines: ['a patient of 1952'],
  memoryLimit: '1Gi',
}

const KEYS = {
  node: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  other: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  p384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ed25519: () => generateKeyPairSync('ed25519'),
  rsa: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
} as const
export type Key = keyof typeof KEYS

/** In a new folder, each as NAME.pem and NAME.pub.pem. */
function writeKeys(): string {
  const folder = mkdtempSync(join(tmpdir(), 'record-'))
  for (const [name, create] of Object.entries(KEYS)) {
    const { privateKey, publicKey } = create()
    writeFileSync(join(folder, `${name}.pem`), privateKey.export({ format: 'pem', type: 'pkcs8' }))
    writeFileSync(join(folder, `${name}.pub.pem`), publicKey.export({ format: 'pem', type: 'spki' }))
  }
  return folder
}

export type Records = Awaited<ReturnType<typeof startRecords>>

export async function startRecords() {
  const folder = writeKeys()
  const databases = await startTestDatabases()
  const database = connect(databaseSettings(await databases.create()))
  const store = createPoStore(database)
  const publicKeyFile = (key: Key) => join(folder, `${key}.pub.pem`)

  /** The function that signs with this key, or with none. */
  const signer = (key?: Key) =>
    createSignEnvelope({ keyFile: key === undefined ? '' : join(folder, `${key}.pem`), passphrase: '' })

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
    const log = { run: next.run, kind: 'analysis', container: 'main', text: 'printed', leftOut: 0 } as const
    await store.saveSnapshots(key, [log], LOG_BYTES)
    return moved(await store.transition(key, ['starting'], 'executing'))
  }

  /** Ends an analysis. Resolves to its record. */
  async function sealed(analysis: Analysis, signEnvelope = signer('node')) {
    await ended(store, analysis, 'executed')
    const makeRecord = recordMaker(await signEnvelope)
    await sealAndArchive({ store, sign: async () => null, makeRecord, settings: SETTINGS }, analysis.key)
    const envelope: Envelope = await record({ store }, analysis.id, undefined)
    const statement: Statement = JSON.parse(Buffer.from(envelope.payload, 'base64').toString())
    return { envelope, statement }
  }

  /** Writes a file for a verifier. */
  function write(envelope: unknown): string {
    const file = join(folder, 'record.json')
    writeFileSync(file, typeof envelope === 'string' ? envelope : JSON.stringify(envelope))
    return file
  }

  /** As `make verify-record` does it. */
  async function verify(envelope: unknown, key: Key = 'node') {
    const file = write(envelope)
    const printed: string[] = []
    const code = await verifyRecords(['--key', publicKeyFile(key), file], {
      print: (text) => void printed.push(text.replace(file, 'FILE')),
      complain: (text) => void printed.push(text),
      read: (path) => readFileSync(path, 'utf8'),
    })
    return { code, printed }
  }

  return {
    database,
    store,
    publicKeyFile,
    signer,
    lived,
    sealed,
    write,
    verify,
    async stop() {
      await database.end({ timeout: 0 })
      await databases.stop()
      rmSync(folder, { recursive: true })
    },
  }
}
