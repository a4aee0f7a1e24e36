/** Answers that are written while they are read. */
import { expect, test } from 'vitest'
import { jsonStream, type ListsByKey, type TextPieces } from '../../../shared/http/json-stream.ts'

async function* each<T>(...items: T[]): AsyncGenerator<T> {
  yield* items
}

const lists = (...entries: [string, TextPieces[]][]): ListsByKey =>
  each(...entries.map(([key, texts]) => [key, each(...texts)] as const))

async function read(fields: Parameters<typeof jsonStream>[0]) {
  const { body, headers } = await jsonStream(fields)
  if (typeof body === 'string') return { text: body, streamed: false, headers }
  let text = ''
  for await (const bytes of body as AsyncIterable<Uint8Array>) text += Buffer.from(bytes).toString()
  return { text, streamed: true, headers }
}

test.each([
  ['nothing', lists(), {}],
  ['a key without texts', lists(['a', []]), { a: [] }],
  ['an empty text', lists(['a', [each()]]), { a: [''] }],
  [
    'texts in pieces',
    lists(['a', [each('on', 'e'), each('two')]], ['b', [each('three')]]),
    { a: ['one', 'two'], b: ['three'] },
  ],
  [
    'what JSON escapes, in keys and texts',
    lists(['"\\\n', [each('"', '\\', '\n\0\u2028')]]),
    { '"\\\n': ['"\\\n\0\u2028'] },
  ],
  ['a character that is cut in two', lists(['a', [each('\uD83D', '\uDE00')]]), { a: ['😀'] }],
])('%s', async (_, fields, expected) => {
  const { text, streamed, headers } = await read({ one: fields, two: lists() })
  expect(JSON.parse(text)).toEqual({ one: expected, two: {} })
  expect([streamed, headers?.['content-type']]).toEqual([false, 'application/json'])
})

test('a long answer is never in memory as a whole', async () => {
  let made = 0
  async function* long(): TextPieces {
    for (; made < 500; made += 1) yield 'x'.repeat(64 * 1024)
  }
  const { body } = await jsonStream({ one: lists(['a', [long()]]) })
  expect(made).toBeLessThan(10)
  let [length, ahead] = [0, 0]
  for await (const bytes of body as AsyncIterable<Uint8Array>) {
    length += bytes.length
    ahead = Math.max(ahead, made - length / (64 * 1024))
  }
  expect(length).toBe(500 * 64 * 1024 + '{"one":{"a":[""]}}'.length)
  expect(ahead).toBeLessThan(3)
})

test('a failure before the answer is long is a failure of the request, a later one breaks it off', async () => {
  async function* failing(after: number): TextPieces {
    yield 'x'.repeat(after)
    throw new Error('gone')
  }
  await expect(jsonStream({ one: lists(['a', [failing(10)]]) })).rejects.toThrow('gone')
  await expect(read({ one: lists(['a', [failing(1_000_000), each('more')]]) })).rejects.toThrow('gone')
})
