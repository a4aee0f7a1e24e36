import { expect, test } from 'vitest'
import { fitMessage, fitWord } from '../../../../shared/adapters/hub/message.ts'

const isFit = (message: string): boolean => message.length <= 2048 && [...message].length >= 3 && message.isWellFormed()

test.each([
  ['', '...'],
  ['x', 'x..'],
  ['ok', 'ok.'],
  ['😀', '😀..'],
  ['yes', 'yes'],
  ['  ', '  .'],
  ['\uD83D', '\uFFFD..'],
  ['x'.repeat(2048), 'x'.repeat(2048)],
])('%j becomes %j', (message, fitted) => {
  expect(fitMessage(message)).toBe(fitted)
})

test('a long message keeps its beginning and its end and says how much is missing', () => {
  const fitted = fitMessage(`first line${'x'.repeat(5000)}last line`)
  expect(fitted).toMatch(/^first line.* \[…\d+ characters or more left out…\] .*last line$/)
  expect(isFit(fitted)).toBe(true)
})

test('every length around the limit fits, and none is cut within a character', () => {
  for (let length = 2030; length < 2100; length += 1) {
    expect(isFit(fitMessage('x'.repeat(length))), `${length} letters`).toBe(true)
    for (const prefix of ['', 'x', 'xx', 'xxx']) {
      const fitted = fitMessage(prefix + '😀'.repeat(length))
      expect(isFit(fitted), `${prefix} and ${length} emoji`).toBe(true)
      expect(fitted).not.toContain('\uFFFD')
    }
  }
})

test('what fits is not changed by fitting it again', () => {
  for (const message of ['', 'ab', 'x'.repeat(9999), '😀'.repeat(1500)]) {
    expect(fitMessage(fitMessage(message))).toBe(fitMessage(message))
  }
})

test.each([
  [null, null],
  ['', null],
  ['ab', null],
  ['executing', 'executing'],
  ['x'.repeat(65), 'x'.repeat(64)],
  [`${'x'.repeat(63)}😀`, 'x'.repeat(63)],
])('the word %j becomes %j', (word, fitted) => {
  expect(fitWord(word)).toBe(fitted)
})
