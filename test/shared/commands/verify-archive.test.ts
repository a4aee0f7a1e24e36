import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createSign } from '../../../shared/adapters/signing.ts'
import { type Entry, verifyEntries } from '../../../shared/commands/verify-archive.ts'

const dir = mkdtempSync(join(tmpdir(), 'verify-archive-'))
afterAll(() => rmSync(dir, { recursive: true }))
const write = (name: string, content: unknown): string => {
  const path = join(dir, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}
const pem = (key: KeyObject, type: 'pkcs8' | 'spki'): string => key.export({ format: 'pem', type }) as string

const FIRST = '4f0e6a52-8a3e-4d0e-9a55-2f6a0c1d7e11'
const SECOND = '5f0e6a52-8a3e-4d0e-9a55-2f6a0c1d7e22'
const document = (analysisId: string, outcome = 'executed'): string =>
  JSON.stringify({ analysisId, outcome, endedAt: '2026-01-02T03:04:05.000Z' })

let good: Entry[]
let KEY: string
beforeAll(async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const sign = await createSign({ keyFile: write('private.pem', pem(privateKey, 'pkcs8')), passphrase: '' })
  KEY = write('public.pem', pem(publicKey, 'spki'))
  const entryOf = async (text: string): Promise<Entry> => ({ document: text, signature: await sign(text) })
  good = await Promise.all([entryOf(document(FIRST)), entryOf(document(SECOND, 'failed'))])
  write('one.json', good[0])
  write('list.json', good)
  write('changed.json', { ...good[0], document: document(FIRST, 'stopped') })
  write('unsigned.json', { document: document(FIRST), signature: null })
  write('steering.json', await entryOf(document(FIRST, '\u001b[2Jgone')))
  write('other.json', { text: 'no entry' })
  write('no.json', 'hello')
})

async function* list(stored: () => Promise<readonly Entry[]>): AsyncGenerator<Entry> {
  yield* await stored()
}

async function run(args: readonly string[], stored: () => Promise<readonly Entry[]> = async () => good) {
  const printed: string[] = []
  const complaints: string[] = []
  const code = await verifyEntries(
    args.map((arg) => (arg.endsWith('.json') || arg.endsWith('.pem') ? join(dir, arg) : arg)),
    {
      print: (line) => void printed.push(line),
      complain: (line) => void complaints.push(line.replaceAll(`${dir}/`, '')),
      read: (path) => readFileSync(path, 'utf8'),
      stored: () => list(stored),
      head: async () => 0,
    },
  )
  return { code, printed, complaints }
}

const LINE_1 = `good  ${FIRST} executed 2026-01-02T03:04:05.000Z`
const LINE_2 = `good  ${SECOND} failed 2026-01-02T03:04:05.000Z`
const BAD_LINE = (what: string, why: string) => `BAD   ${FIRST} ${what} 2026-01-02T03:04:05.000Z  ${why}`

test.each([
  ['a good file', ['one.json'], 0, [LINE_1, '1 of 1 entries are good']],
  ['a list', ['list.json'], 0, [LINE_1, LINE_2, '2 of 2 entries are good']],
  ['files', ['one.json', 'list.json'], 0, [LINE_1, LINE_1, LINE_2, '3 of 3 entries are good']],
  ['one id of a list', ['--id', SECOND.toUpperCase(), 'list.json'], 0, [LINE_2, '1 of 1 entries are good']],
  ['the database', [], 0, [LINE_1, LINE_2, '2 of 2 entries are good']],
  [
    'a changed document',
    ['changed.json'],
    1,
    [BAD_LINE('stopped', 'the document is not the one that was signed'), '0 of 1 entries are good'],
  ],
  ['an unsigned one', ['unsigned.json'], 1, [BAD_LINE('executed', 'it is not signed'), '0 of 1 entries are good']],
  ['an id that is not there', ['--id', '6f0e6a52-8a3e-4d0e-9a55-2f6a0c1d7e33'], 1, ['0 of 0 entries are good']],
  [
    'an outcome that would steer the terminal',
    ['steering.json'],
    0,
    [`good  ${FIRST} ?[2Jgone 2026-01-02T03:04:05.000Z`, '1 of 1 entries are good'],
  ],
])('%s: exit code and a line for each', async (_, args, code, printed) => {
  expect(await run(['--key', 'public.pem', ...args])).toEqual({ code, printed, complaints: [] })
})

test.each([
  ['no key', ['one.json'], /^usage: /],
  ['an unknown option', ['--key', 'public.pem', '--all'], /^usage: /],
  ['an id that is none', ['--key', 'public.pem', '--id', 'x'], /^usage: /],
  ['a key that is not there', ['--key', 'none.pem'], /^none\.pem: cannot be read$/],
  ['a private key', ['--key', 'private.pem'], /^private\.pem: expected a public key or a certificate/],
  ['a file that is not there', ['--key', 'public.pem', 'none.json'], /^none\.json: cannot be read$/],
  ['a file with something else', ['--key', 'public.pem', 'other.json'], /^other\.json: expected \{"document"/],
  ['a file that is no JSON', ['--key', 'public.pem', 'no.json'], /^no\.json: expected \{"document"/],
])('%s: exit code 2, and nothing is called good', async (_, args, complaint) => {
  const { code, printed, complaints } = await run(args)
  expect([code, printed]).toEqual([2, []])
  expect(complaints).toEqual([expect.stringMatching(complaint)])
})

test('a database that is away: exit code 2', async () => {
  const { code, complaints } = await run(['--key', 'public.pem'], () => Promise.reject(new Error('it is away')))
  expect([code, complaints]).toEqual([2, ['database: it is away']])
  expect(KEY).toContain(dir)
})
