/** What a refusal repeats of a request: never a secret, and never much. */
import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { dtSchemas } from '../../../shared/dt/schema.ts'
import { type Detail, validate } from '../../../shared/http/validation.ts'
import type { Fault } from '../../../shared/platform/fault.ts'
import { poSchemas } from '../../../shared/po/schema.ts'

function issuesOf(schema: z.ZodType, value: unknown): Detail[] {
  try {
    validate(schema, value, 'body')
  } catch (fault) {
    return (fault as Fault).detail as Detail[]
  }
  return []
}

const launch = (fields: object) => ({
  image: 'i',
  version: '1',
  description: '',
  ana: { job_type: 'ondemand', reps: 1 },
  ...fields,
})
const entries = (count: number, make: (n: number) => [string, unknown]) =>
  Object.fromEntries(Array.from({ length: count }, (_, n) => make(n)))

describe('a list of issues', () => {
  test('is whole up to 100', () => {
    expect(issuesOf(z.array(z.string()), Array(100).fill(1))).toHaveLength(100)
  })
  test('says how many more there are beyond that', () => {
    const issues = issuesOf(z.array(z.string()), Array(5000).fill(1))
    expect(issues).toHaveLength(101)
    expect(issues.at(-1)).toEqual({
      type: 'too_many_issues',
      loc: ['body'],
      msg: '4900 more issues are not listed',
      input: null,
    })
  })
  test('cuts names and values to 200 characters, and shows no more of lists and objects than what they are', () => {
    const long = 'n'.repeat(5000)
    const [name] = issuesOf(z.record(z.string(), z.string()), { [long]: 1 })
    expect(name?.loc).toEqual(['body', long.slice(0, 200)])
    const [value] = issuesOf(z.object({ a: z.int() }), { a: long })
    expect(value?.input).toBe(long.slice(0, 200))
    expect(issuesOf(z.object({ a: z.int() }), { a: [long] })[0]?.input).toEqual([])
    expect(issuesOf(z.object({ a: z.int() }), { a: { long } })[0]?.input).toEqual({})
  })
})

describe('a body of 1 MiB is refused within two seconds of work, in an answer of 64 KiB', () => {
  const nested = (open: string, close: string, depth: number) =>
    JSON.parse(`${open.repeat(depth)}1${close.repeat(depth)}`)
  test.each<[name: string, schema: z.ZodType, value: unknown]>([
    [
      '60,000 variables of another type',
      dtSchemas.serviceLaunch.body,
      launch({ env: entries(60_000, (n) => [`V${n}`, n]) }),
    ],
    [
      '60,000 labels that are none',
      dtSchemas.serviceLaunch.body,
      launch({ labels: entries(60_000, (n) => [`-${n}`, 'a b']) }),
    ],
    ['one variable with a name of 1 MiB', dtSchemas.serviceLaunch.body, launch({ env: { ['N'.repeat(2 ** 20)]: 1 } })],
    ['lists in lists', dtSchemas.serviceLaunch.body, launch({ env: nested('[', ']', 500_000) })],
    ['objects in objects', dtSchemas.serviceLaunch.body, launch({ env: nested('{"a":', '}', 170_000) })],
    [
      'a line of /po with wrong types',
      poSchemas.streamLogs.body,
      { log: nested('[', ']', 500_000), log_type: 'x'.repeat(2 ** 20) },
    ],
  ])('%s', (_, schema, value) => {
    const began = process.cpuUsage()
    const issues = issuesOf(schema, value)
    const { user, system } = process.cpuUsage(began)
    expect((user + system) / 1000).toBeLessThan(2000)
    expect(issues.length).toBeGreaterThan(0)
    expect(issues.length).toBeLessThanOrEqual(101)
    expect(JSON.stringify(issues).length).toBeLessThan(65_536)
  })
})
