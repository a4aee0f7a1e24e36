import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Laboratory, parseLaboratory, randomFrom, simulate } from './images/laboratory.ts'

const TABLE = readFileSync(new URL('data/laboratory.csv', import.meta.url), 'utf8')
const run = (laboratory: Laboratory, seed: string, hours = 500) => simulate(laboratory, hours, 'r', randomFrom(seed))
const HEAD = 'stage,staff,min_minutes,mode_minutes,max_minutes,batch'

describe('the laboratory', () => {
  test('of the table has eight stages, and keeps up with what arrives', () => {
    const laboratory = parseLaboratory(TABLE)
    expect(laboratory.stages).toHaveLength(8)
    const report = run(laboratory, 'a')
    expect(report.reported / report.arrived).toBeGreaterThan(0.9)
    for (const share of Object.values(report.utilisation)) expect(share).toBeLessThanOrEqual(1)
  })
  test('one seed, one result; another seed, another', () => {
    const laboratory = parseLaboratory(TABLE)
    expect(run(laboratory, 'a')).toEqual(run(laboratory, 'a'))
    expect(run(laboratory, 'a').turnaround).not.toEqual(run(laboratory, 'b').turnaround)
  })
  test('agrees with theory: as many specimens inside as arrive per hour times the hours that they stay', () => {
    const { arrived, turnaround, workInProgress } = run(parseLaboratory(TABLE), 'c', 5000)
    expect(workInProgress / ((arrived / 5000) * turnaround.mean)).toBeCloseTo(1, 1)
  })
  test('agrees with theory: a queue at 80 % with fixed service waits for twice the service time', () => {
    const { turnaround, utilisation } = run(
      { interval: 10, stages: [{ name: 'one', staff: 1, minutes: [8, 8, 8], batch: 1 }] },
      'd',
      50_000,
    )
    expect(utilisation['one']).toBeCloseTo(0.8, 1)
    // Pollaczek and Khinchine: rho / (2 (1 - rho)) service times, and the service itself.
    expect((turnaround.mean * 60) / (8 * (0.8 / (2 * 0.2)) + 8)).toBeCloseTo(1, 1)
  })
  test.each([
    ['a,b', 'line 1: expected the columns'],
    [`${HEAD}\nx,1,1,1,1,1`, 'expected a line `arrival`'],
    [`${HEAD}\narrival,,,5,,`, 'at least one stage'],
    [`${HEAD}\narrival,,,5,,\nx,0,1,1,1,1`, 'line 3: staff: expected a number above 0'],
    [`${HEAD}\narrival,,,5,,\nx,1,3,2,4,1`, 'line 3: expected min <= mode <= max'],
  ])('a table that is none is refused: %#', (text, why) => expect(() => parseLaboratory(text)).toThrow(why))
})
