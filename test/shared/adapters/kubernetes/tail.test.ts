import { expect, test } from 'vitest'
import { readTail } from '../../../../shared/adapters/kubernetes/tail.ts'

const read = async (stream: AsyncIterable<Uint8Array>, limit: number) => {
  const { text, bytes, leftOut } = await readTail(stream, limit)
  const pieces = [...text]
  expect([...text]).toEqual(pieces)
  expect(Buffer.byteLength(pieces.join(''))).toBe(bytes)
  return { text: pieces.join(''), leftOut }
}

async function* cut(text: string, size: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

test.each([
  ['nothing', '', 10, { text: '', leftOut: 0 }],
  ['all of it, when it fits exactly', '0123456789', 10, { text: '0123456789', leftOut: 0 }],
  ['one byte too many', '0123456789x', 10, { text: '123456789x', leftOut: 1 }],
  ['a character of two bytes at the cut is left out', 'xä234', 4, { text: '234', leftOut: 3 }],
  ['a character of four bytes at the cut is left out', 'x😀234', 6, { text: '234', leftOut: 5 }],
  ['a whole character after the cut stays', 'xä234', 5, { text: 'ä234', leftOut: 1 }],
])('%s, however it is cut', async (_, text, limit, expected) => {
  for (const size of [1, 2, 3, 7, 100]) expect(await read(cut(text, size), limit)).toEqual(expected)
})

test('a long stream is kept in about the limit of memory', async () => {
  let most = 0
  async function* long(): AsyncGenerator<Uint8Array> {
    for (let n = 0; n < 2000; n++) {
      if (n % 100 === 0) await new Promise((resolve) => setImmediate(resolve))
      most = Math.max(most, process.memoryUsage().arrayBuffers)
      yield Buffer.alloc(65_536, 97)
    }
  }
  const before = process.memoryUsage().arrayBuffers
  const { text, leftOut } = await read(long(), 1_000_000)
  expect([text.length, leftOut]).toEqual([1_000_000, 2000 * 65_536 - 1_000_000])
  // 131 MB went through.
  expect(most - before).toBeLessThan(80_000_000)
})
