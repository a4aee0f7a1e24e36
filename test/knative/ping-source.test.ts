import { Cron } from 'croner'
import { describe, expect, test } from 'vitest'
import { type PingSchedule, pingSchedule } from '../../knative/manifests/ping-source.ts'

/** Seconds since the epoch at which a cron expression fires, from `from` until before `to`. */
function firings(schedule: string, from: number, to: number): number[] {
  const cron = new Cron(schedule, { timezone: 'UTC' })
  const found: number[] = []
  let at = cron.nextRun(new Date((from - 1) * 1000))
  while (at && at.getTime() < to * 1000) {
    found.push(at.getTime() / 1000)
    at = cron.nextRun(at)
  }
  return found
}

/** How many of the sorted numbers are below the limit. */
function countBelow(sorted: readonly number[], limit: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? limit) < limit) low = middle + 1
    else high = middle
  }
  return low
}

/** The faults of these firing times as ticks of the interval, for every slot within the range. */
function faults(interval: number, plan: PingSchedule, fired: readonly number[], from: number, to: number): string[] {
  const found: string[] = []
  const expected = plan.exact ? 1 : interval / plan.tickSeconds
  for (let slot = Math.ceil(from / interval) * interval; slot + interval <= to; slot += interval) {
    const before = countBelow(fired, slot)
    const count = countBelow(fired, slot + interval) - before
    if (count !== expected) found.push(`${interval}: ${count} ticks in slot ${slot}`)
    if (fired[before] !== slot) found.push(`${interval}: no tick as slot ${slot} begins`)
  }
  return found
}

/** Over the end of a day, a month and a leap February. */
const MIDNIGHT = Date.UTC(2028, 2, 1) / 1000

describe('the firing times of the schedule', () => {
  test('fall on the beginning of every slot of every interval up to two hours; exact ones once per slot', () => {
    const [from, to] = [MIDNIGHT - 2 * 3600 - 17, MIDNIGHT + 3 * 3600 + 23]
    const known = new Map<string, number[]>()
    const found: string[] = []
    for (let interval = 1; interval <= 7200; interval += 1) {
      const plan = pingSchedule(interval)
      const fired = known.get(plan.schedule) ?? firings(plan.schedule, from, to)
      known.set(plan.schedule, fired)
      found.push(...faults(interval, plan, fired, from, to))
    }
    expect(found).toEqual([])
    expect([...known.values()].every(({ length }) => length >= 3)).toBe(true)
  })

  test.each([7260, 10_800, 14_400, 21_600, 28_800, 43_200, 86_400])('do so with %i s', (interval) => {
    const [from, to] = [MIDNIGHT - 2 * 86_400 - 17, MIDNIGHT + 2 * 86_400 + 23]
    const plan = pingSchedule(interval)
    expect(faults(interval, plan, firings(plan.schedule, from, to), from, to)).toEqual([])
  })

  test('of a schedule that is uneven would be seen', () => {
    const uneven = { schedule: '*/7 * * * * *', tickSeconds: 7, exact: true, advice: null }
    const [from, to] = [MIDNIGHT, MIDNIGHT + 600]
    expect(faults(7, uneven, firings(uneven.schedule, from, to), from, to)).not.toEqual([])
  })
})

describe('an interval that fits the wheel has a schedule of its own:', () => {
  test.each([
    [1, '* * * * * *'],
    [2, '*/2 * * * * *'],
    [10, '*/10 * * * * *'],
    [30, '*/30 * * * * *'],
    [60, '* * * * *'],
    [300, '*/5 * * * *'],
    [1800, '*/30 * * * *'],
    [3600, '0 * * * *'],
    [7200, '0 */2 * * *'],
    [43_200, '0 */12 * * *'],
    [86_400, '0 0 * * *'],
  ])('%i s: %s', (interval, schedule) => {
    expect(pingSchedule(interval)).toEqual({ schedule, tickSeconds: interval, exact: true, advice: null })
  })

  test('these and no others', () => {
    const exact = Array.from({ length: 86_400 }, (_, index) => index + 1).filter((each) => pingSchedule(each).exact)
    const divisors = [1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30]
    const hours = [1, 2, 3, 4, 6, 8, 12, 24]
    expect(exact).toEqual([...divisors, ...[1, ...divisors.slice(1)].map((n) => n * 60), ...hours.map((n) => n * 3600)])
  })
})

describe('any other is ticked more often:', () => {
  test.each([
    [7, 1, '* * * * * *', '6 or 10'],
    [8, 4, '*/4 * * * * *', null],
    [45, 15, '*/15 * * * * *', null],
    [59, 1, '* * * * * *', '30 or 60'],
    [61, 1, '* * * * * *', '60 or 120'],
    [90, 30, '*/30 * * * * *', null],
    [420, 60, '* * * * *', null],
    [5400, 60, '* * * * *', null],
    [86_401, 1, '* * * * * *', '86400'],
    [172_800, 60, '* * * * *', null],
  ])('%i s: every %i s', (interval, tickSeconds, schedule, better) => {
    const advice =
      better &&
      `No schedule ticks every ${interval} s, so ticks come every second; ${better} s would need one tick per sweep.`
    expect(pingSchedule(interval)).toEqual({ schedule, tickSeconds, exact: false, advice })
  })
})

test.each([0, -10, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('%d is no interval', (interval) => {
  expect(() => pingSchedule(interval)).toThrow(RangeError)
})
