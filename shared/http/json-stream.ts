/**
 * JSON that is sent while its parts are still being read. Memory is bounded by the size of a part. A short answer is sent as a
 * whole, so that a failure while it is made becomes an error answer.
 */
import type { Bytes } from '../platform/ports.ts'
import { type Encoded, encoded } from './reply.ts'

/** A text in pieces, a list of texts, or an object of such lists, each to be read once and in order. */
export type TextPieces = AsyncIterable<string>
export type ListsByKey = AsyncIterable<readonly [key: string, texts: AsyncIterable<TextPieces>]>

const inner = (text: string): string => JSON.stringify(text).slice(1, -1)

async function* listJson(texts: AsyncIterable<TextPieces>): AsyncGenerator<string> {
  let before = '['
  for await (const text of texts) {
    yield `${before}"`
    // The halves of a surrogate pair that a cut divides are escaped; a JSON parser joins them again.
    for await (const piece of text) yield inner(piece)
    yield '"'
    before = ','
  }
  yield before === '[' ? '[]' : ']'
}

async function* listsJson(lists: ListsByKey): AsyncGenerator<string> {
  let before = '{'
  for await (const [key, texts] of lists) {
    yield `${before}${JSON.stringify(key)}:`
    yield* listJson(texts)
    before = ','
  }
  yield before === '{' ? '{}' : '}'
}

/** An object whose fields are objects of lists of texts. */
async function* fieldsJson(fields: { readonly [name: string]: ListsByKey }): AsyncGenerator<string> {
  let before = '{'
  for (const [name, lists] of Object.entries(fields)) {
    yield `${before}${JSON.stringify(name)}:`
    yield* listsJson(lists)
    before = ','
  }
  yield '}'
}

const CHUNK_LENGTH = 64 * 1024

/** The same text in chunks large enough for a write each. */
async function* chunks(parts: AsyncIterable<string>): AsyncGenerator<string> {
  let chunk = ''
  for await (const part of parts) {
    chunk += part
    if (chunk.length < CHUNK_LENGTH) continue
    yield chunk
    chunk = ''
  }
  if (chunk !== '') yield chunk
}

async function* bytes(first: readonly string[], rest: AsyncIterable<string>): Bytes {
  for (const chunk of first) yield Buffer.from(chunk)
  for await (const chunk of rest) yield Buffer.from(chunk)
}

/** The first two chunks are made before anything is sent: an answer that ends there has a length, and may still fail. */
export async function jsonStream(fields: { readonly [name: string]: ListsByKey }): Promise<Encoded> {
  const parts = chunks(fieldsJson(fields))
  const [first, second] = [await parts.next(), await parts.next()]
  const headers = { 'content-type': 'application/json' }
  if (second.done) return encoded({ status: 200, headers, body: first.value ?? '' })
  return encoded({ status: 200, headers, body: bytes([first.value ?? '', second.value], parts) })
}
