import { describe, expect, test } from 'vitest'
import { RUN_FAULTS, type RunEvidence, type RunFault, type RunNumber } from '../../../shared/po/model.ts'
import {
  doubled,
  isRepeated,
  lastLinesOf,
  memoryAdvice,
  REMEDIES,
  restartDelaySeconds,
} from '../../../shared/po/run-faults.ts'

const evidence = (changes: Partial<RunEvidence> = {}): RunEvidence => ({
  run: 1 as RunNumber,
  fault: 'exit',
  at: '2026-11-29T04:00:00.000Z',
  cause: 'its process ended with exit code 1',
  exitCode: 1,
  lastLines: ['reading', 'ValueError: no column "age"'],
  memoryLimit: '8Gi',
  ...changes,
})

describe('back-off of restarts', () => {
  const rows = RUN_FAULTS.flatMap((fault) =>
    REMEDIES[fault].backoffSeconds.map((seconds, restarts) => [fault, restarts, seconds] as const),
  )
  test.each(rows)('%s: restart %i waits %i s, with a quarter of jitter at most', (fault, restarts, seconds) => {
    expect(restartDelaySeconds(fault, restarts, 0)).toBe(seconds)
    expect(restartDelaySeconds(fault, restarts, 1)).toBe(seconds * 1.25)
  })

  test.each([
    ['exit', 60],
    ['evicted', 120],
    ['configuration', 120],
  ] as const)('%s: later restarts wait as long as the last of the table', (fault, seconds) =>
    expect(restartDelaySeconds(fault, 99, 0)).toBe(seconds),
  )
})

describe('repetition', () => {
  const same: [string, RunFault, Partial<RunEvidence>, Partial<RunEvidence>, boolean][] = [
    ['exit code and last line are the same', 'exit', {}, {}, true],
    ['the exit code differs', 'exit', {}, { exitCode: 2 }, false],
    ['the last line differs', 'exit', {}, { lastLines: ['KeyError: 3'] }, false],
    ['only an earlier line differs', 'exit', {}, { lastLines: ['x', 'ValueError: no column "age"'] }, true],
    ['both left no line', 'exit', { lastLines: [] }, { lastLines: [] }, false],
    [
      'only times and addresses differ',
      'exit',
      { lastLines: ['2026-11-29 04:00:01,123 ERROR <Reader at 0x7f01aa> cannot read'] },
      { lastLines: ['2026-11-30T23:59:59.9Z ERROR <Reader at 0x55bc> cannot read'] },
      true,
    ],
    ['it reports that it failed with the same line', 'reported', { exitCode: null }, { exitCode: null }, true],
    ['the same configuration error', 'configuration', { cause: 'secret "x"' }, { cause: 'secret "x"' }, true],
    ['another configuration error', 'configuration', { cause: 'secret "x"' }, { cause: 'secret "y"' }, false],
    ['silent twice', 'silent', {}, {}, false],
    ['evicted twice', 'evicted', {}, {}, false],
    ['stuck twice', 'connection', {}, {}, false],
  ]
  test.each(same)('%s', (_, fault, one, other, repeated) => {
    expect(isRepeated(evidence({ ...one, fault }), evidence({ ...other, fault }))).toBe(repeated)
  })

  test('another fault or no fault before is no repetition', () => {
    expect(isRepeated(null, evidence())).toBe(false)
    expect(isRepeated(evidence({ fault: 'reported' }), evidence())).toBe(false)
  })
})

describe('last lines', () => {
  test('of many, 20 are kept, without empty ones and at most 400 characters each', () => {
    const text = Array.from({ length: 50 }, (_, n) => `line ${n}\r\n\n`).join('')
    expect(lastLinesOf(text)).toEqual(Array.from({ length: 20 }, (_, n) => `line ${n + 30}`))
    expect(lastLinesOf('x'.repeat(1000))).toEqual(['x'.repeat(400)])
    expect(lastLinesOf('')).toEqual([])
  })
})

describe('advice about memory', () => {
  test.each([
    ['512Mi', '1024Mi'],
    ['8Gi', '16Gi'],
    ['1.5Gi', '3Gi'],
    ['1000000000', '2000000000'],
  ])('twice %s is %s', (limit, twice) => expect(doubled(limit)).toBe(twice))

  test.each(['', 'Gi', '-1Gi'])('there is no twice of "%s"', (limit) => expect(doubled(limit)).toBeUndefined())

  test('names the limit and a first value to try', () => {
    expect(memoryAdvice('8Gi')).toMatch(/^it used more memory than its limit .*8Gi.*ANALYSIS_MEMORY_LIMIT=16Gi$/)
    expect(memoryAdvice('')).toBe('it used more memory than its limit and was ended (OOMKilled)')
  })
})
