/** The one error of this project: a literal code, a sentence the caller may read, and the cause for the log. */

export const FAULT_CODES = [
  'bad_request', // malformed JSON or body
  'unauthenticated', // no token, or not one we accept
  'forbidden', // a good token that may not do this
  'not_found', // no such path
  'conflict', // contradicts what is running
  'precondition_failed', // changed since the caller read it
  'too_slow', // a body that does not arrive in time
  'too_large', // body above the limit
  'unsupported_media', // encoding or charset of the body
  'invalid', // does not fit the schema
  'refused', // another system refused a correct request of ours
  'unavailable', // another system does not answer or is too slow; try again
  'unexpected', // a defect of ours
] as const
export type FaultCode = (typeof FAULT_CODES)[number]

interface FaultOptions {
  readonly cause?: unknown
  /** Seconds after which a retry makes sense. */
  readonly retryAfter?: number
  /** The request was sent without an answer: it may still take effect. */
  readonly mayArrive?: boolean
  /** Status of the refusal, where it is passed on to callers. */
  readonly status?: number
  /** Body under `detail` instead of the message (validation issues). */
  readonly detail?: unknown
}

export class Fault extends Error {
  readonly code: FaultCode
  readonly retryAfter: number | undefined
  readonly mayArrive: boolean
  readonly status: number | undefined
  readonly detail: unknown

  /** `message` reaches the caller when the code is an expected one: it never contains a secret or a server's answer. */
  constructor(code: FaultCode, message: string, options: FaultOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Fault'
    this.code = code
    this.retryAfter = options.retryAfter
    this.mayArrive = options.mayArrive ?? false
    this.status = options.status
    this.detail = options.detail
  }
}

export const isFault = (error: unknown, ...codes: FaultCode[]): error is Fault =>
  error instanceof Fault && (codes.length === 0 || codes.includes(error.code))
