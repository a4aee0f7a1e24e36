/** Texts of a JSON document that are cut while it arrives. */
import { expect, test } from 'vitest'
import { cutLongTexts, note } from '../../../shared/http/long-texts.ts'

/** The document as it stays, however it is cut into chunks. */
function passed(document: string, maxBytes: number): unknown {
  const bytes = Buffer.from(document)
  const results = [1, 2, 3, 7, 1000].map((size) => {
    const cut = cutLongTexts(maxBytes)
    const chunks: Buffer[] = []
    for (let at = 0; at < bytes.length; at += size) chunks.push(cut(bytes.subarray(at, at + size)))
    return Buffer.concat(chunks).toString()
  })
  expect(new Set(results).size).toBe(1)
  return JSON.parse(results[0] ?? '')
}

test.each<[string, unknown, unknown]>([
  ['a document without long texts', { a: 'short', b: [1, 'x', null, { c: 'exactly 10' }] }, undefined],
  ['empty texts and keys', { '': '', a: ['', ''] }, undefined],
  ['a long text', { a: 'x'.repeat(25), b: 1 }, { a: `${'x'.repeat(10)}${note(15)}`, b: 1 }],
  ['two long texts', ['x'.repeat(11), 'y'.repeat(12)], [`${'x'.repeat(10)}${note(1)}`, `${'y'.repeat(10)}${note(2)}`]],
  ['a long key', { ['k'.repeat(12)]: 1 }, { [`${'k'.repeat(10)}${note(2)}`]: 1 }],
  ['characters of two bytes', 'ß'.repeat(8), `${'ß'.repeat(5)}${note(6)}`],
  ['a character across the limit', `123456789😀rest`, `123456789😀${note(4)}`],
  ['quotes and backslashes in a text', { a: '"\\"\\"\\"\\', b: 'b' }, { a: `"\\"\\"${note(6)}`, b: 'b' }],
])('%s', (_, document, expected = document) => {
  expect(passed(JSON.stringify(document), 10)).toEqual(expected)
})

test.each([
  ['a number of a character', String.raw`"\u00e9\u00e9\u00e9"`, `éé${note(6)}`],
  ['a number right at the limit', String.raw`"1234567890\u00e9"`, `1234567890${note(6)}`],
  ['a number across the limit', String.raw`"123456789\u00e9x"`, `123456789é${note(1)}`],
  ['an escaped backslash before the end', String.raw`"x\\"`, 'x\\'],
  ['an escaped backslash and then a u', String.raw`"\\u00e9"`, '\\u00e9'],
  ['an escaped quote at the limit', String.raw`"123456789\"x"`, `123456789"${note(1)}`],
])('escapes: %s', (_, document, expected) => {
  expect(passed(document, 10)).toBe(expected)
})

test('10 MiB of one text pass through, and what stays is small', () => {
  const cut = cutLongTexts(1000)
  const chunk = Buffer.alloc(64 * 1024, 'x')
  let size = cut(Buffer.from('{"a":"')).length
  const began = performance.now()
  for (let n = 0; n < 160; n += 1) size += cut(chunk).length
  size += cut(Buffer.from('"}')).length
  expect(size).toBe('{"a":""}'.length + 1000 + Buffer.byteLength(note(160 * 64 * 1024 - 1000)))
  expect(performance.now() - began).toBeLessThan(3000)
})
