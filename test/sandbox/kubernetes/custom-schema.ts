/**
 * Applies the schema of a custom kind to an object: drops unknown fields and disallowed nulls, sets defaults, and validates with
 * the messages of the real API. Of the rules in CEL it runs those of one form (`custom-rules.ts`).
 */
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { ruleFaults } from './custom-rules.ts'
import type { Cause } from './failure.ts'
import { isFields } from './merge.ts'
import type { KubeObject, Schema } from './objects.ts'

/** The server's own, whatever the schema says. */
const ROOT_FIELDS = new Set(['apiVersion', 'kind', 'metadata'])

/** The object as it would be stored; tells each field that it drops. */
export function conformed(schema: Schema, object: KubeObject, onDrop: (path: string) => void = () => {}): KubeObject {
  const { apiVersion, kind, metadata, ...own } = object
  const kept = fill(schema, drop(schema, own, '', onDrop)) as Record<string, unknown>
  return { apiVersion, kind, metadata, ...kept }
}

const childOf = (schema: Schema, field: string): Schema | undefined => {
  const { properties, additionalProperties } = schema
  if (properties && Object.hasOwn(properties, field)) return properties[field]
  return typeof additionalProperties === 'object' ? additionalProperties : undefined
}

const keepsUnknown = (schema: Schema): boolean =>
  schema['x-kubernetes-preserve-unknown-fields'] === true || schema.additionalProperties === true

function drop(schema: Schema, value: unknown, path: string, onDrop: (path: string) => void): unknown {
  if (Array.isArray(value))
    return value.map((item, at) => (schema.items ? drop(schema.items, item, `${path}[${at}]`, onDrop) : item))
  if (!isFields(value)) return value
  const kept: [string, unknown][] = []
  for (const [field, child] of Object.entries(value)) {
    const place = path === '' ? field : `${path}.${field}`
    const below = childOf(schema, field)
    if (below) kept.push([field, drop(below, child, place, onDrop)])
    else if (keepsUnknown(schema)) kept.push([field, child])
    else onDrop(place)
  }
  return Object.fromEntries(kept)
}

/** Takes null out of fields that may not be null, and puts defaults where nothing is. */
function fill(schema: Schema, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => (schema.items ? fill(schema.items, item) : item))
  if (!isFields(value)) return value
  const filled = Object.entries(value).flatMap(([field, child]) => {
    const below = childOf(schema, field)
    if (child === null && below && !below.nullable) return []
    return [[field, below ? fill(below, child) : child]]
  })
  return { ...Object.fromEntries(filled), ...defaultsOf(schema, new Set(filled.map(([field]) => field))) }
}

const defaultsOf = ({ properties = {} }: Schema, present: ReadonlySet<unknown>) =>
  Object.fromEntries(
    Object.entries(properties)
      .filter(([field, below]) => below.default !== undefined && !present.has(field))
      .map(([field, below]) => [field, fill(below, below.default)]),
  )

const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false, verbose: true })
const compiled = new WeakMap<Schema, ValidateFunction>()

function validatorOf(schema: Schema): ValidateFunction {
  const known = compiled.get(schema) ?? ajv.compile(jsonSchema(schema) as Schema)
  compiled.set(schema, known)
  return known
}

/** JSON Schema says in `type` what OpenAPI says in `x-kubernetes-int-or-string`. */
function jsonSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(jsonSchema)
  if (!isFields(schema)) return schema
  const entries = Object.entries(schema).map(([key, value]) => [key, VERBATIM.has(key) ? value : jsonSchema(value)])
  return {
    ...Object.fromEntries(entries),
    ...(schema['x-kubernetes-int-or-string'] === true ? { type: ['integer', 'string'] } : {}),
  }
}

/** Values, not schemas. */
const VERBATIM = new Set(['enum', 'default', 'example', 'required'])

export function schemaFaults(schema: Schema, object: KubeObject): Cause[] {
  const faults = fieldFaults(schema, object)
  // The real API runs rules on what fits the rest of the schema.
  return faults.length > 0 ? faults : ruleFaults(schema, object)
}

function fieldFaults(schema: Schema, object: KubeObject): Cause[] {
  const validate = validatorOf(schema)
  const own = Object.fromEntries(Object.entries(object).filter(([field]) => !ROOT_FIELDS.has(field)))
  if (validate(own)) return []
  // A branch that did not fit is said as a whole.
  const errors = (validate.errors ?? []).filter(({ schemaPath }) => !/\/(oneOf|anyOf|allOf|not)\/./.test(schemaPath))
  return errors.map(causeOf)
}

function causeOf(error: ErrorObject): Cause {
  const field = fieldOf(error.instancePath)
  return (CAUSES[error.keyword] ?? otherwise)(field, error.params as Params, error.data)
}

/** `/spec/tags/1` → `spec.tags[1]` */
const fieldOf = (pointer: string): string =>
  pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce((path, step) => (/^\d+$/.test(step) ? `${path}[${step}]` : path === '' ? step : `${path}.${step}`), '')

function typeOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value === 'number' && Number.isInteger(value) ? 'integer' : typeof value
}

/** Each keyword has its own of them. */
interface Params {
  readonly missingProperty: string
  readonly type: string | readonly string[]
  readonly allowedValues: readonly unknown[]
  readonly limit: number
  readonly pattern: string
  readonly passingSchemas: readonly number[] | null
}
type Say = (field: string, params: Params, data: unknown) => Cause

const invalid = (field: string, value: unknown, why: string): Cause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value)}: ${field} in body ${why}`,
  field,
})
const branch = (field: string, why: string): Cause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: "": "${field}" ${why}`,
  field: '<nil>',
})

const otherwise: Say = (field, _, data) => invalid(field, data, 'is not valid')

const CAUSES: Readonly<Record<string, Say>> = {
  required: (field, { missingProperty }) => ({
    reason: 'FieldValueRequired',
    message: 'Required value',
    field: field === '' ? missingProperty : `${field}.${missingProperty}`,
  }),
  type: (field, { type }, data) => ({
    ...invalid(field, typeOf(data), `must be of type ${[type].flat().join(',')}: "${typeOf(data)}"`),
    reason: 'FieldValueTypeInvalid',
  }),
  enum: (field, { allowedValues }, data) => ({
    reason: 'FieldValueNotSupported',
    message: `Unsupported value: ${JSON.stringify(data)}: supported values: ${allowedValues.map((one) => JSON.stringify(one)).join(', ')}`,
    field,
  }),
  minimum: (field, { limit }, data) => invalid(field, data, `should be greater than or equal to ${limit}`),
  maximum: (field, { limit }, data) => invalid(field, data, `should be less than or equal to ${limit}`),
  minLength: (field, { limit }, data) => invalid(field, data, `should be at least ${limit} chars long`),
  maxLength: (field, { limit }) => ({
    reason: 'FieldValueTooLong',
    message: `Too long: may not be more than ${limit} bytes`,
    field,
  }),
  maxItems: (field, { limit }, data) => ({
    reason: 'FieldValueTooMany',
    message: `Too many: ${(data as unknown[]).length}: must have at most ${limit} items`,
    field,
  }),
  pattern: (field, { pattern }, data) => invalid(field, data, `should match '${pattern}'`),
  oneOf: (field, { passingSchemas }) =>
    branch(
      field,
      `must validate one and only one schema (oneOf). Found ${passingSchemas === null ? 'none valid' : 'more than one valid'}`,
    ),
  anyOf: (field) => branch(field, 'must validate at least one schema (anyOf)'),
  not: (field) => branch(field, 'must not validate the schema (not)'),
}
