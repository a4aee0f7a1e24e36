/**
 * Parses schedules like Kubernetes, which uses robfig/cron: names, a number with a step, steps that are longer than the field,
 * lists of these, and macros such as `@daily`. The result has plain lists, which all parsers of cron read alike.
 */

interface Field {
  readonly name: string
  readonly min: number
  readonly max: number
  readonly names?: readonly string[]
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const FIELDS: readonly Field[] = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12, names: MONTHS },
  { name: 'day of week', min: 0, max: 6, names: DAYS },
]

const WORDS: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
}

function numberOf({ name, min, max, names = [] }: Field, text: string): number {
  const named = names.indexOf(text.toLowerCase())
  const value = named < 0 ? Number(text) : named + min
  if (!/^\d+$/.test(text) && named < 0) throw new Error(`failed to parse ${name} ${JSON.stringify(text)}`)
  if (value < min || value > max) throw new Error(`${name} ${value} is not between ${min} and ${max}`)
  return value
}

function stepOf({ name }: Field, text: string | undefined): number {
  if (text === undefined) return 1
  if (!/^\d+$/.test(text)) throw new Error(`failed to parse the step ${JSON.stringify(text)} of ${name}`)
  if (Number(text) === 0) throw new Error(`step of ${name} should be a positive number`)
  return Number(text)
}

/** First and last of `*`, `3` and `3-7`; `3` with a step goes on to the end of the field. */
function boundsOf(field: Field, range: string, hasStep: boolean): readonly [first: number, last: number] {
  const [from = '', to, ...further] = range.split('-')
  if (isAll(from)) return [field.min, field.max]
  if (further.length > 0) throw new Error(`too many hyphens in ${JSON.stringify(range)}`)
  const first = numberOf(field, from)
  const last = to === undefined ? (hasStep ? field.max : first) : numberOf(field, to)
  if (first > last) throw new Error(`beginning of range ${JSON.stringify(range)} is beyond its end`)
  return [first, last]
}

const isAll = (text: string): boolean => text === '*' || text === '?'

/** Undefined for all values. */
function valuesOf(field: Field, text: string): readonly number[] | undefined {
  const [range = '', stepText, ...more] = text.split('/')
  if (more.length > 0) throw new Error(`too many slashes in ${JSON.stringify(text)}`)
  const step = stepOf(field, stepText)
  if (isAll(range.split('-')[0] ?? '') && step === 1) return undefined
  const [first, last] = boundsOf(field, range, stepText !== undefined)
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, nth) => first + nth * step)
}

/** As a list of numbers, or a star. */
function plain(field: Field, text: string): string {
  const parts = text.split(',').filter((part) => part !== '')
  const values = parts.map((part) => valuesOf(field, part))
  if (values.length === 0) throw new Error(`${field.name} is empty`)
  if (values.includes(undefined)) return '*'
  return [...new Set(values.flatMap((some) => some ?? []))].sort((a, b) => a - b).join(',')
}

/** Five fields of numbers, lists and stars. @throws Error that says what is wrong with it */
export function plainSchedule(schedule: string): string {
  if (/^(CRON_)?TZ=/.test(schedule)) throw new Error('cannot use TZ or CRON_TZ in schedule, use timeZone field instead')
  if (schedule.startsWith('@every ')) throw new Error('@every is not known to the sandbox')
  const fields = (WORDS[schedule] ?? schedule).split(/\s+/).filter((field) => field !== '')
  if (fields.length !== FIELDS.length)
    throw new Error(`expected exactly 5 fields, found ${fields.length}: ${JSON.stringify(fields)}`)
  return FIELDS.map((field, nth) => plain(field, fields[nth] ?? '')).join(' ')
}
