/**
 * Rules of a schema in CEL (`x-kubernetes-validations`), as far as they say that a text of the object itself matches a regular
 * expression: `self.metadata.name.matches('^[a-z]+$')`. Others are left to the real API.
 */
import type { Cause } from './failure.ts'
import type { KubeObject, Schema } from './objects.ts'

interface Rule {
  readonly rule: string
  readonly message?: string
}

const MATCHES = /^self\.(?<path>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*)\.matches\((?<quote>['"])(?<pattern>.*)\k<quote>\)$/

function holds({ rule }: Rule, object: KubeObject): boolean {
  const { path, pattern } = MATCHES.exec(rule.trim())?.groups ?? {}
  if (path === undefined || pattern === undefined) return true
  let value: unknown = object
  for (const field of path.split('.')) value = (value as Readonly<Record<string, unknown>> | undefined)?.[field]
  return typeof value === 'string' && new RegExp(pattern, 'u').test(value)
}

/** Of the whole object; rules of its fields are not run. */
export function ruleFaults(schema: Schema, object: KubeObject): Cause[] {
  const rules = (schema['x-kubernetes-validations'] ?? []) as readonly Rule[]
  return rules
    .filter((rule) => !holds(rule, object))
    .map(({ rule, message = `failed rule: ${rule}` }) => ({
      reason: 'FieldValueInvalid',
      message: `Invalid value: "object": ${message}`,
      field: '<nil>',
    }))
}
