/** Reads answers of other systems, which may be anything, without trusting their shape. */
import { Fault } from '../platform/fault.ts'

export type JsonObject = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value when it is an object, otherwise an empty one. */
export const asObject = (value: unknown): JsonObject => (isObject(value) ? value : {})

/** The objects in a list; anything else in it, or in its place, is left out. */
export const asObjects = (value: unknown): readonly JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])

/** A text that is there and not empty. */
export const textOf = (object: JsonObject, field: string): string | undefined => {
  const value = object[field]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export const numberOf = (object: JsonObject, field: string): number | undefined => {
  const value = object[field]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** What the text says; `refused` when it is no JSON. The parser's own error quotes the text and is left out. */
export function parseJson(system: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Fault('refused', `${system} answered with something that is no JSON`)
  }
}
