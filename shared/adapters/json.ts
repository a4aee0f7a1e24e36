/** Reads JSON answers of other systems without trusting their shape. */
import { Fault } from '../platform/fault.ts'

export type JsonObject = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The value if it is an object, otherwise an empty one. */
export const asObject = (value: unknown): JsonObject => (isObject(value) ? value : {})

/** The objects in a list; empty if the value is not a list. */
export const asObjects = (value: unknown): readonly JsonObject[] => (Array.isArray(value) ? value.filter(isObject) : [])

/** A field with a text that is not empty. */
export const textOf = (object: JsonObject, field: string): string | undefined => {
  const value = object[field]
  return typeof value === 'string' && value !== '' ? value : undefined
}

export const numberOf = (object: JsonObject, field: string): number | undefined => {
  const value = object[field]
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}

/** @throws Fault `refused` when the text is not JSON, without the parser's error, which quotes the text */
export function parseAnswer(system: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new Fault('refused', `${system} answered with something that is no JSON`)
  }
}
