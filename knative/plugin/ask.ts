/** One HTTP request and its answer, whatever it is; what kept it from being answered is said in a person's words. */
import { Refused } from './errors.ts'

export interface NodeAnswer {
  readonly ok: boolean
  readonly status: number
  readonly text: string
  /** Undefined when the text is no JSON. */
  readonly json: unknown
}

export type AskNode = (url: string, request?: RequestInit) => Promise<NodeAnswer>

/** Longer than the slowest function may take. */
const ANSWER_MS = 150_000

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

/** The innermost cause is the one that says something. */
function reasonOf(error: unknown): string {
  const { name, cause, code, message } = error as NodeJS.ErrnoException & { readonly cause?: unknown }
  if (name === 'TimeoutError') return `no answer within ${ANSWER_MS / 1000} s`
  if (cause !== undefined) return reasonOf(cause)
  return (code && REASONS[code]) || [code, message].filter(Boolean).join(': ')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** @throws Refused, passing, when there was no answer */
export const ask: AskNode = async (url, request = {}) => {
  try {
    const answer = await fetch(url, { ...request, signal: AbortSignal.timeout(ANSWER_MS) })
    const text = await answer.text()
    return { ok: answer.ok, status: answer.status, text, json: parsed(text) }
  } catch (cause) {
    throw new Refused(`${new URL(url).origin}: ${reasonOf(cause)}`, { cause, passing: true })
  }
}
