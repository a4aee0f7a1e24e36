import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { formFile, isForm } from '../../../shared/http/multipart.ts'
import type { Bytes } from '../../../shared/platform/ports.ts'
import { allOf, inPieces, noise } from '../../conformance/files/blob-subject.ts'

const FORM = { 'content-type': 'multipart/form-data; boundary=edge' }
const part = (disposition: string, body: string | Buffer, type = 'application/octet-stream') =>
  Buffer.concat([
    Buffer.from(`--edge\r\nContent-Disposition: ${disposition}\r\nContent-Type: ${type}\r\n\r\n`),
    Buffer.from(body),
    Buffer.from('\r\n'),
  ])
const END = Buffer.from('--edge--\r\n')
const FILE = 'form-data; name="file"; filename="a.txt"'
const TEXT = 'form-data; name="note"'
const form = (...parts: Buffer[]) => Buffer.concat([...parts, END])

const read = async (body: Bytes, headers: Record<string, string> = FORM) => {
  const { filename, content } = await formFile(headers, body, 'file')
  return { filename, bytes: await allOf(content) }
}
const refusal = (body: Bytes, headers?: Record<string, string>) =>
  read(body, headers).then(
    () => 'accepted',
    (error) => ({ code: error.code, detail: error.detail?.[0] ?? error.message }),
  )

describe('a form with a file', () => {
  test.each([1, 2, 7, 64, 65_536, 10_000_000])('in pieces of %i bytes gives the file as it was', async (size) => {
    const bytes = noise(size < 64 ? 5000 : 3_000_000)
    const body = form(part(TEXT, 'before'), part(FILE, bytes), part(TEXT, 'behind'))
    const got = await read(inPieces(body, size))
    expect(got.filename).toBe('a.txt')
    expect(got.bytes.equals(bytes)).toBe(true)
  })

  test.each([
    ['bytes that look like its edge', '\r\n--edg\r\n-edge\r\n--\r\n--edg--\r\n\r\n--'],
    ['nothing in it', ''],
  ])('with %s', async (_, text) => {
    expect((await read(inPieces(form(part(FILE, text)), 3))).bytes.toString()).toBe(text)
  })

  test.each([
    ['filename="naïve 名前.xlsx"', 'naïve 名前.xlsx'],
    [`filename="a\\"b;c.txt"`, 'a"b;c.txt'],
    ['filename=plain.txt', 'plain.txt'],
    ['filename="../up/and/../away"', '../up/and/../away'],
    ["filename*=UTF-8''na%C3%AFve.txt", 'naïve.txt'],
    ['filename=""', ''],
  ])('whose name is given as %s', async (given, filename) => {
    expect((await read(inPieces(form(part(`form-data; name="file"; ${given}`, 'x')), 9))).filename).toBe(filename)
  })

  test('is given as soon as the file begins, and its end waits for the end of the form', async () => {
    const gate = Promise.withResolvers<void>()
    const slow = async function* () {
      yield part(FILE, 'all of it')
      await gate.promise
      yield END
    }
    const { content } = await formFile(FORM, slow(), 'file')
    let done = false
    const all = allOf(content).then((bytes) => {
      done = true
      return bytes.toString()
    })
    for (let n = 0; n < 20; n += 1) await turn()
    expect(done).toBe(false)
    gate.resolve()
    expect(await all).toBe('all of it')
  })

  test('whose reader stops is read no further', async () => {
    let asked = 0
    let ended = false
    const endless = async function* () {
      try {
        yield part(FILE, noise(100_000))
        for (;;) {
          asked += 1
          yield noise(65_536)
        }
      } finally {
        ended = true
      }
    }
    const { content } = await formFile(FORM, endless(), 'file')
    for await (const piece of content) {
      expect(piece.length).toBeGreaterThan(0)
      break
    }
    const before = asked
    for (let n = 0; n < 50; n += 1) await turn()
    expect(asked - before).toBeLessThan(5)
    expect(ended).toBe(true)
  })
})

describe('refused is', () => {
  const MISSING = {
    code: 'invalid',
    detail: { type: 'missing', loc: ['body', 'file'], msg: 'Field required', input: null },
  }
  const wrong = (msg: string) => ({
    code: 'invalid',
    detail: { type: 'value_error', loc: ['body', 'file'], msg, input: null },
  })
  const NO_FILE = wrong('Value error, expected a file with a filename')
  const SECOND = wrong('Value error, expected one file')
  const BROKEN = { code: 'bad_request', detail: 'There was an error parsing the body' }

  test.each([
    ['a form without fields', [END], MISSING],
    ['a form without that field', [part('form-data; name="other"; filename="a"', 'x'), END], MISSING],
    ['a text in its place', [part('form-data; name="file"', 'x', 'text/plain'), END], NO_FILE],
    ['a text after the file', [part(FILE, 'x'), part('form-data; name="file"', 'x', 'text/plain'), END], NO_FILE],
    ['a second file', [part(FILE, 'x'), part(FILE, 'y'), END], SECOND],
    ['a form without its end', [part(FILE, 'x')], BROKEN],
    ['a form that ends in the file', [part(FILE, 'x').subarray(0, -4)], BROKEN],
    ['no form at all', [Buffer.from('{"file":"x"}')], BROKEN],
    ['nothing', [], BROKEN],
  ])('%s', async (_, parts, expected) => {
    const body = Buffer.concat(parts)
    for (const size of [1, 10_000]) expect(await refusal(inPieces(body, size))).toEqual(expected)
  })

  test.each([
    [{ 'content-type': 'application/json' }, MISSING],
    [{ 'content-type': 'multipart/mixed; boundary=edge' }, MISSING],
    [{}, MISSING],
    [{ 'content-type': 'multipart/form-data' }, { code: 'bad_request', detail: 'Missing boundary in multipart.' }],
  ])('a form sent as %j', async (headers, expected) =>
    expect(await refusal(inPieces(form(part(FILE, 'x')), 10), headers as Record<string, string>)).toEqual(expected),
  )

  test.each([0, 10, 130, 200])('a body that breaks off after %i bytes, with its own reason', async (length) => {
    const reason = Object.assign(new Error('gone'), { code: 'the reason' })
    const broken = async function* () {
      yield form(part(FILE, noise(1000))).subarray(0, length)
      throw reason
    }
    const error = await read(broken()).catch((cause) => cause)
    expect(error.cause ?? error).toBe(reason)
  })
})

describe('a form is', () => {
  test.each([
    ['multipart/form-data; boundary=x', true],
    ['Multipart/Form-Data', true],
    ['multipart/form-database', false],
    ['application/octet-stream', false],
  ])('%s: %s', (type, is) => expect(isForm({ 'content-type': type })).toBe(is))
})
