/** What is JSON, against the parser of the platform: the same texts, however they are cut into pieces. */
import { describe, expect, test } from 'vitest'
import { isJson } from '../../../shared/files/json.ts'

async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += size) yield bytes.subarray(from, from + size)
}
const check = (text: string | Uint8Array, size = 7) => isJson(inPieces(Buffer.from(text as never), size))

const parses = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const GOOD = [
  ...['0', '-0', '-0.0', '1.5e+10', '1E400', '12345678901234567890', '1e-7', ' 1 ', '\n\r\t1\n'],
  ...['""', '"a\\n\\u00e4\\ud800\\/"', '"\u{1F600}"', '"\u2028"', 'true', 'false', 'null'],
  ...['[]', '[ ]', '[1,[2,{}],"3"]', '{}', '{ }', '{"a":1,"a":2}', '{ "a" : [ ] , "b" : null }', '[[[[]]]]'],
]
const BAD = [
  ...['', ' ', '+1', '01', '-', '1.', '.5', '1e', '1e+', '0x1', '1 2', 'NaN', 'Infinity', '-Infinity', '1_000'],
  ...['"', '"\\x"', '"\\u12g4"', '"\n"', '"\\', "'a'", 'tru', 'truee', 'nul', 'True', 'undefined'],
  ...[
    '[',
    ']',
    '[1,]',
    '[,1]',
    '[1 2]',
    '{',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    '{a:1}',
    '{"a":1 "b":2}',
    '[}',
    '{]',
    '[1]]',
  ],
  ...['{"x": NaN}', '/* a */ 1', '\u00a01', '\f1', '1\0', ',', ':', '{"a"::1}', '{1:2}'],
]

describe('isJson', () => {
  test.each(GOOD)('%j is JSON', async (text) => {
    expect(parses(text)).toBe(true)
    for (const size of [1, 3, 1000]) expect(await check(text, size)).toBe(true)
  })
  test.each(BAD)('%j is none', async (text) => {
    expect(parses(text)).toBe(false)
    for (const size of [1, 3, 1000]) expect(await check(text, size)).toBe(false)
  })

  test('decides as the parser does of texts that were changed at random', async () => {
    const chars = ['{', '}', '[', ']', ',', ':', '"', '\\', '0', '1', '-', '+', '.', 'e', 't', 'u', ' ', '\n', 'a']
    let seed = 7
    const random = (below: number) => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % below
    }
    let good = 0
    for (let turn = 0; turn < 20_000; turn += 1) {
      const text = [...(GOOD[random(GOOD.length)] ?? '')]
      for (let changes = random(3); changes >= 0; changes -= 1)
        text.splice(random(text.length + 1), random(2), chars[random(chars.length)] ?? '')
      const changed = text.join('')
      if (parses(changed)) good += 1
      expect([changed, await check(changed)]).toEqual([changed, parses(changed)])
    }
    expect(good).toBeGreaterThan(1000)
  })

  test.each([
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
    ['a character that is cut off', Buffer.from('"ä"').subarray(0, 2)],
    ['a surrogate in bytes', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
  ])('%s: none', async (_, bytes) => expect(await check(bytes, 1)).toBe(false))

  test('a byte order mark is passed over, as clients do', async () => expect(await check('\uFEFF{}')).toBe(true))

  test('nothing is read after the first byte that is none', async () => {
    let read = 0
    async function* endless() {
      for (;;) {
        read += 1
        yield Buffer.from('no ')
      }
    }
    expect(await isJson(endless())).toBe(false)
    expect(read).toBe(1)
  })

  test('deeper than any client could read: none', async () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
    expect(await check(nested(10_000), 65_536)).toBe(true)
    expect(await check(nested(10_001), 65_536)).toBe(false)
  })

  test('costs little memory, whatever is in it', async () => {
    const text = Buffer.from(`[${'{},'.repeat(1_400_000)}{}]`)
    const before = process.memoryUsage().rss
    let most = 0
    async function* watched() {
      for await (const piece of inPieces(text, 65_536)) {
        yield piece
        most = Math.max(most, process.memoryUsage().rss - before)
      }
    }
    expect(await isJson(watched())).toBe(true)
    expect(most).toBeLessThan(64 * 1024 * 1024)
  })
})
