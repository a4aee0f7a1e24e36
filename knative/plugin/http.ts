/** Sends one HTTP request; a network error becomes a sentence for the operator. */
import { CommandError } from './errors.ts'

export interface NodeResponse {
  readonly ok: boolean
  readonly status: number
  readonly text: string
  /** Undefined if the text is not JSON. */
  readonly json: unknown
}

export type SendRequest = (url: string, request?: RequestInit) => Promise<NodeResponse>

/** Exceeds the time limit of every function. */
const TIMEOUT_MS = 150_000

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was lost',
  UND_ERR_SOCKET: 'the connection was lost',
  ENOTFOUND: 'there is no such host',
  EAI_AGAIN: 'the name of the host cannot be looked up now',
  EHOSTUNREACH: 'the host cannot be reached',
  ETIMEDOUT: 'no answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'no answer in time',
}

/** `fetch` wraps the network error in errors without information: the innermost cause has the code. */
function reasonOf(error: unknown): string {
  const { name, cause, code, message } = error as NodeJS.ErrnoException & { readonly cause?: unknown }
  if (name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1000} s`
  if (cause !== undefined) return reasonOf(cause)
  return (code && REASONS[code]) || [code, message].filter(Boolean).join(': ')
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @throws CommandError, transient, if there is no response */
export const sendRequest: SendRequest = async (url, request = {}) => {
  try {
    const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(TIMEOUT_MS) })
    const text = await answer.text()
    return { ok: answer.ok, status: answer.status, text, json: parseOrUndefined(text) }
  } catch (cause) {
    throw new CommandError(`${new URL(url).origin}: ${reasonOf(cause)}`, { cause, transient: true })
  }
}
