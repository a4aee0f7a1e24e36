import { describe, expect, test } from 'vitest'
import { createReader } from '../../../knative/plugin/reader.ts'
import type { LogText } from '../../../knative/plugin/texts.ts'

const analysis = (text: string): LogText => ({ source: 'analysis', text })
const nginx = (text: string): LogText => ({ source: 'nginx', text })
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, index) => `line ${from + index} of a long log\n`).join('')

describe('what is new', () => {
  test.each<[string, LogText[][], LogText[][]]>([
    ['a text that grows', [[analysis('a\n')], [analysis('a\nb\nc\n')]], [[analysis('a\n')], [analysis('b\nc\n')]]],
    ['nothing, when nothing was written', [[analysis('a\n')], [analysis('a\n')]], [[analysis('a\n')], []]],
    [
      'whole lines: a half one waits',
      [[analysis('a\nb')], [analysis('a\nbc\n')]],
      [[analysis('a\n')], [analysis('bc\n')]],
    ],
    ['a half line alone', [[analysis('a')], [analysis('ab\n')]], [[], [analysis('ab\n')]]],
    [
      'each source by itself',
      [
        [analysis('a\n'), nginx('a\n')],
        [analysis('a\n'), nginx('a\nb\n')],
      ],
      [[analysis('a\n'), nginx('a\n')], [nginx('b\n')]],
    ],
    [
      'the text of the next run',
      [[analysis('a\n')], [analysis('x\n')], [analysis('x\ny\n')]],
      [[analysis('a\n')], [analysis('x\n')], [analysis('y\n')]],
    ],
    [
      'the next run beside the one before',
      [[analysis('a\n')], [analysis('a\nb\n'), analysis('x\n')]],
      [[analysis('a\n')], [analysis('b\n'), analysis('x\n')]],
    ],
    [
      'a text that was not to be had for once',
      [[analysis('a\n')], [], [analysis('a\nb\n')]],
      [[analysis('a\n')], [], [analysis('b\n')]],
    ],
    [
      'runs that begin alike',
      [[analysis('a\nb\n')], [analysis('a\n')], [analysis('a\nb\nc\n')]],
      [[analysis('a\nb\n')], [analysis('a\n')], [analysis('b\nc\n')]],
    ],
    [
      'a log that lost its beginning',
      [[analysis(lines(0, 500))], [analysis(lines(200, 510))]],
      [[analysis(lines(0, 500))], [analysis(lines(500, 510))]],
    ],
  ])('%s', (_, rounds, expected) => {
    const reader = createReader()
    expect(rounds.map((texts) => reader.read(texts))).toEqual(expected)
  })
})

describe('what the history has more', () => {
  test.each<[string, LogText[][], LogText[], LogText[] | undefined]>([
    ['the rest, half lines too', [[analysis('a\nb')]], [analysis('a\nbc\nd')], [analysis('bc\nd')]],
    ['of a run that was never read: its last one', [], [analysis('1\n'), analysis('2\n')], [analysis('2\n')]],
    [
      'runs after the one that was read',
      [[analysis('a\n')]],
      [analysis('a\nb\n'), analysis('x\n')],
      [analysis('b\n'), analysis('x\n')],
    ],
    ['nothing', [[analysis('a\n')]], [analysis('a\n')], []],
    ['not yet, while only lines are there', [[analysis('a\n')]], [analysis('12:00 info a')], undefined],
    ['not yet, while the proxy is missing', [[analysis('a\n'), nginx('g\n')]], [analysis('a\n')], undefined],
    ['a proxy that had written nothing', [[analysis('a\n')]], [analysis('a\n'), nginx('g\n')], [nginx('g\n')]],
  ])('%s', (_, rounds, history, expected) => {
    const reader = createReader()
    for (const texts of rounds) reader.read(texts)
    expect(reader.finish(history)).toEqual(expected)
  })
})
