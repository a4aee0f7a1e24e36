/** Browsers may call from one origin, with credentials. */
import type { IncomingMessage } from 'node:http'

const MAX_AGE_SECONDS = '600'

export function corsHeaders({ headers }: IncomingMessage, allowed: string): Record<string, string> {
  if (headers.origin === undefined) return {}
  if (headers.origin !== allowed) return { vary: 'Origin' }
  return {
    'access-control-allow-origin': allowed,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': 'X-Request-Id',
    vary: 'Origin',
  }
}

/** What a preflight is told beyond that; with credentials a wildcard would mean nothing. */
export function preflightHeaders({ headers }: IncomingMessage, methods: readonly string[]): Record<string, string> {
  if (headers.origin === undefined) return {}
  return {
    'access-control-allow-methods': methods.join(', '),
    'access-control-allow-headers': headers['access-control-request-headers'] ?? 'Authorization, Content-Type',
    'access-control-max-age': MAX_AGE_SECONDS,
  }
}
