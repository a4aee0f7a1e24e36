/** Lines that are longer than is kept. */
import { expect, test } from 'vitest'
import { shortened } from '../../../shared/po/long-line.ts'

const NOTE = / \[…(\d+) bytes left out…\] /

test.each([
  ['that fits exactly', 'x'.repeat(1000)],
  ['of characters of three bytes that fits exactly', `${'€'.repeat(333)}x`],
  ['that is empty', ''],
])('a line %s stays', (_, text) => {
  expect(shortened(text, 1000)).toBe(text)
})

test.each([
  ['ASCII', 'x'.repeat(5000)],
  ['characters of two bytes', 'ß'.repeat(2500)],
  ['characters of four bytes', `x${'😀'.repeat(1300)}`],
  ['a mixture', 'aß€😀'.repeat(600)],
])('of a longer line of %s start and end stay, and the note says how many bytes are missing', (_, text) => {
  const line = shortened(text, 1000)
  const [head = '', missing, tail = ''] = line.split(NOTE)
  expect(text.startsWith(head)).toBe(true)
  expect(text.endsWith(tail)).toBe(true)
  expect(Number(missing)).toBe(Buffer.byteLength(text) - Buffer.byteLength(head) - Buffer.byteLength(tail))
  expect(Buffer.byteLength(line)).toBeLessThanOrEqual(1000)
  expect(head.length * tail.length).toBeGreaterThan(0)
})

test('half a character is replaced, never doubled', () => {
  expect(shortened(`${'x'.repeat(2000)}\uD83D`, 1000).isWellFormed()).toBe(true)
})
