/** The load generators and the arithmetic of the benchmarks. */
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { closedLoop, openLoop } from './load.ts'
import { atLeast, atMost, median, percentile } from './row.ts'

const ok = { status: 200, text: '' }

describe('open loop', () => {
  test('a stall delays every request that was due in it', async () => {
    const stalled = delay(300)
    const { latencies } = await openLoop(100, 0.4, async () => {
      await stalled
      return ok
    })
    expect(latencies).toHaveLength(40)
    expect(latencies.filter((ms) => ms >= 100).length).toBeGreaterThanOrEqual(19)
  })

  test('a blocked sender counts as late, not as never sent', async () => {
    const { latencies } = await openLoop(100, 0.2, async (nth) => {
      const end = performance.now() + (nth === 0 ? 150 : 0)
      while (performance.now() < end);
      return ok
    })
    expect(percentile(latencies, 0.5)).toBeGreaterThan(40)
  })

  test('refusals and broken connections count as errors, not as latencies', async () => {
    const answers = [ok, { status: 503, text: 'away' }]
    const { latencies, errors, firstError } = await openLoop(1000, 0.003, async (nth) => {
      const answer = answers[nth]
      if (!answer) throw new Error('cut')
      return answer
    })
    expect([latencies.length, errors, firstError]).toEqual([1, 2, '503 away'])
  })
})

test('closed loop: each client sends after its response, and there are never more', async () => {
  let now = 0
  let most = 0
  const { latencies, seconds } = await closedLoop(4, 0.1, async () => {
    most = Math.max(most, ++now)
    await delay(10)
    now -= 1
    return ok
  })
  expect(most).toBe(4)
  expect(seconds).toBeGreaterThanOrEqual(0.1)
  expect(latencies.length).toBeLessThanOrEqual(4 * 12)
})

test.each([
  [[5, 1, 3], 0.5, 3],
  [[1, 2, 3, 4], 0.5, 2],
  [[1, 2, 3, 4], 0.99, 4],
  [Array.from({ length: 200 }, (_, at) => at + 1), 0.99, 198],
])('percentile of %j at %d is %d', (values, share, expected) => {
  expect(percentile(values, share)).toBe(expected)
})

test.each([
  [[3, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
])('median of %j is %d', (values, expected) => {
  expect(median(values)).toBe(expected)
})

test('a budget is met at its limit, and missed beyond it or without a measurement', () => {
  expect([atMost('', 10, '', 10).ok, atMost('', 10.001, '', 10).ok, atMost('', Number.NaN, '', 10).ok]).toEqual([
    true,
    false,
    false,
  ])
  expect([atLeast('', 60, '', 60).ok, atLeast('', 59.999, '', 60).ok]).toEqual([true, false])
})
