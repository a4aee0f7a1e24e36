/** Issues of zod in the format of FastAPI, which the callers of this API know. */
import type * as z from 'zod'
import { SECRET_FIELDS } from '../log.ts'
import { Fault } from '../platform/fault.ts'

export interface Detail {
  readonly type: string
  readonly loc: readonly (string | number)[]
  readonly msg: string
  readonly input: unknown
}

type Source = 'body' | 'path' | 'query'
type Words = Pick<Detail, 'type' | 'msg'>

const isSecret = (key: PropertyKey): boolean => (SECRET_FIELDS as readonly PropertyKey[]).includes(key)
const MASK = '**********'
/** Characters of a refused value that an answer repeats. */
const ECHO_LIMIT = 200
/** Most issues that an answer lists. */
const ISSUES_LIMIT = 100

const TYPES: Readonly<Record<string, Words>> = {
  string: { type: 'string_type', msg: 'Input should be a valid string' },
  int: { type: 'int_type', msg: 'Input should be a valid integer' },
  number: { type: 'int_type', msg: 'Input should be a valid integer' },
  boolean: { type: 'bool_type', msg: 'Input should be a valid boolean' },
  array: { type: 'list_type', msg: 'Input should be a valid list' },
  object: {
    type: 'model_attributes_type',
    msg: 'Input should be a valid dictionary or object to extract fields from',
  },
}
const REQUIRED: Words = { type: 'missing', msg: 'Field required' }

const quoted = (values: readonly unknown[]): string => values.map((value) => `'${String(value)}'`).join(', ')

function describe(issue: z.core.$ZodIssue): Words {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return REQUIRED
      return TYPES[issue.expected] ?? { type: 'value_error', msg: issue.message }
    case 'invalid_value':
      return { type: 'enum', msg: `Input should be one of ${quoted(issue.values)}` }
    case 'too_small':
      return { type: 'greater_than_equal', msg: `Input should be at least ${issue.minimum}` }
    case 'too_big':
      return { type: 'less_than_equal', msg: `Input should be at most ${issue.maximum}` }
    case 'custom':
      return { type: String(issue.params?.['type'] ?? 'value_error'), msg: issue.message }
    default:
      return { type: 'value_error', msg: issue.message }
  }
}

/** The part of a refused value that an answer repeats: never a secret, never a whole body. */
function echo(value: unknown, path: readonly PropertyKey[]): unknown {
  if (value === undefined || value === null) return null
  if (path.some(isSecret)) return MASK
  if (Array.isArray(value)) return []
  if (typeof value === 'object' || path.length === 0) return {}
  return typeof value === 'string' ? value.slice(0, ECHO_LIMIT) : value
}

const toDetail =
  (source: Source) =>
  (issue: z.core.$ZodIssue): Detail => ({
    ...describe(issue),
    loc: [source, ...issue.path.map((key) => (typeof key === 'number' ? key : String(key).slice(0, ECHO_LIMIT)))],
    input: echo(issue.input, issue.path),
  })

/** The first issues, and how many more there are. */
function detailsOf(issues: readonly z.core.$ZodIssue[], source: Source): Detail[] {
  const listed = issues.slice(0, ISSUES_LIMIT).map(toDetail(source))
  const left = issues.length - listed.length
  if (left === 0) return listed
  return [...listed, { type: 'too_many_issues', loc: [source], msg: `${left} more issues are not listed`, input: null }]
}

/**
 * The output of the schema for a value.
 * @throws Fault `invalid` with all issues up to a limit; and any fault that the schema throws
 */
export function validate<T>(schema: z.ZodType<T>, value: unknown, source: Source): T {
  const result = schema.safeParse(value, { reportInput: true })
  if (result.success) return result.data
  throw new Fault('invalid', 'Invalid request', { detail: detailsOf(result.error.issues, source) })
}
