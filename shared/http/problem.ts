/** From an error to an answer: code → status, and what the caller may read. */
import { Fault, type FaultCode } from '../platform/fault.ts'

const STATUS: Readonly<Record<FaultCode, number>> = {
  bad_request: 400,
  unauthenticated: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  precondition_failed: 412,
  too_slow: 408,
  too_large: 413,
  unsupported_media: 415,
  invalid: 422,
  unexpected: 500,
  refused: 502,
  unavailable: 503,
}

const RETRY_AFTER_SECONDS = 5

export interface Problem {
  readonly code: FaultCode
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: { readonly detail: unknown }
}

/** The detail of every 422 is a list. */
const ofBody = (msg: string) => ({ type: 'value_error', loc: ['body'], msg, input: null })

/** @param failure message of a 500: what failed and where to look. Only the log has the cause. */
export function problem(error: unknown, failure: string, requestId: string): Problem {
  if (!(error instanceof Fault) || error.code === 'unexpected') {
    const detail = `${failure}. Request ${requestId}`
    return { code: 'unexpected', status: STATUS.unexpected, headers: {}, body: { detail } }
  }
  const { code, retryAfter = RETRY_AFTER_SECONDS } = error
  return {
    code,
    status: (code === 'refused' && error.status) || STATUS[code],
    headers: {
      ...(code === 'unauthenticated' && { 'www-authenticate': 'Bearer' }),
      ...(code === 'unavailable' && { 'retry-after': String(retryAfter) }),
    },
    body: { detail: error.detail ?? (code === 'invalid' ? [ofBody(error.message)] : error.message) },
  }
}
