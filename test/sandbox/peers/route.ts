/** What the stand-ins have in common: a table of routes, and who a request is from. */
import type { IncomingMessage } from 'node:http'

export interface PeerAnswer {
  readonly status?: number
  /** Text and bytes are sent as they are, anything else as JSON. */
  readonly body?: unknown
  readonly type?: string
}

export interface PeerCall {
  readonly request: IncomingMessage
  readonly url: URL
  /** Groups of the pattern, decoded. */
  readonly params: readonly string[]
  readonly client: string | null
}

export type PeerRoute = readonly [
  method: string,
  pattern: RegExp,
  handle: (call: PeerCall) => PeerAnswer | Promise<PeerAnswer>,
]

/** The `azp` of the bearer token, unverified. */
export function clientOf({ headers }: IncomingMessage): string | null {
  const payload = /^Bearer [^.]+\.([^.]+)\./i.exec(headers.authorization ?? '')?.[1]
  if (!payload) return null
  try {
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { azp?: string; client_id?: string }
    return claims.azp ?? claims.client_id ?? null
  } catch {
    return null
  }
}

export const UNAUTHENTICATED: PeerAnswer = { status: 401, body: { detail: 'Not authenticated' } }
export const FORBIDDEN: PeerAnswer = { status: 403, body: { detail: 'Forbidden' } }
