/** Conditions of CEL, the language of admission policies, as text. */

/** CEL has the texts of JSON. */
export const quoted = (value: unknown): string => JSON.stringify(value)
export const all = (...conditions: readonly string[]): string => conditions.map((one) => `(${one})`).join(' && ')

export const none = (object: string, ...fields: readonly string[]): string =>
  fields.map((field) => `!has(${object}.${field})`).join(' && ')
export const off = (object: string, ...fields: readonly string[]): string =>
  all(...fields.map((field) => `!has(${object}.${field}) || !${object}.${field}`))
export const each = (object: string, field: string, item: string, condition: string): string =>
  `!has(${object}.${field}) || ${object}.${field}.all(${item}, ${condition})`
