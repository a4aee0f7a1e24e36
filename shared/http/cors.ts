/** Pages of the origins that the site lists may call, with credentials. */
import type { IncomingMessage } from 'node:http'

const MAX_AGE_SECONDS = '600'
/** Headers of an answer that scripts may read, beyond its type and length. */
const EXPOSED = 'X-Request-Id, ETag, Content-Disposition, Content-Range'

export function corsHeaders({ headers }: IncomingMessage, allowed: readonly string[]): Record<string, string> {
  if (headers.origin === undefined) return {}
  if (!allowed.includes(headers.origin)) return { vary: 'Origin' }
  return {
    'access-control-allow-origin': headers.origin,
    'access-control-allow-credentials': 'true',
    'access-control-expose-headers': EXPOSED,
    vary: 'Origin',
  }
}

/** Further headers of the answer to a preflight. A wildcard does not work with credentials. */
export function preflightHeaders({ headers }: IncomingMessage, methods: readonly string[]): Record<string, string> {
  if (headers.origin === undefined) return {}
  return {
    'access-control-allow-methods': methods.join(', '),
    'access-control-allow-headers': headers['access-control-request-headers'] ?? 'Authorization, Content-Type',
    'access-control-max-age': MAX_AGE_SECONDS,
  }
}
