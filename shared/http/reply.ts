/** What a function answers, before it is written. */
import type { Bytes } from '../platform/ports.ts'

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes that stream need a `content-length`, so that the caller notices when they break off. */
  readonly body?: string | Uint8Array | Bytes
  /** Runs after the answer is sent; the process does not end before it has. */
  readonly after?: () => Promise<void>
  /** For the access line. */
  readonly fault?: string
}

const ENCODED = Symbol('encoded')

/** A reply that a handler has made itself: no schema checks it. Whatever else a handler returns becomes JSON. */
export interface Encoded extends Reply {
  readonly [ENCODED]: true
}

export const encoded = (reply: Reply): Encoded => ({ ...reply, [ENCODED]: true })

export const isEncoded = (answer: unknown): answer is Encoded =>
  typeof answer === 'object' && answer !== null && ENCODED in answer

export const json = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
  body: JSON.stringify(value),
})
