/** The node's API: calls with a token, answers as JSON, refusals as sentences. */
import { ask, type NodeAnswer } from './ask.ts'
import type { NodeConnection } from './connection.ts'
import { Refused } from './errors.ts'
import type { Tokens } from './tokens.ts'

export interface NodeApi {
  /** @throws Refused for any answer but 2xx */
  get<T>(path: string): Promise<T>
  put<T>(path: string): Promise<T>
  /** Without a token. */
  open<T>(path: string): Promise<T>
}

/** The function was not there, or not ready. */
const PASSING = [502, 503, 504]

const HINTS: Readonly<Record<number, string>> = {
  401: ' (the token was not accepted: has it run out, is it of another realm?)',
  403: ' (the token is good, and does not allow this)',
}

interface Fault {
  readonly loc?: readonly (string | number)[]
  readonly msg?: string
}

/** What a refusal says of itself; that of another service is not repeated. */
function detailOf({ json, text }: NodeAnswer): string {
  const detail = (json as { readonly detail?: unknown } | undefined)?.detail
  if (typeof detail === 'string') return detail
  if (Array.isArray(detail)) return detail.map(({ loc = [], msg = '' }: Fault) => `${loc.join('.')}: ${msg}`).join('; ')
  return text.trim() === '' ? 'no reason given' : 'the answer is not one of this API'
}

export const refusal = (what: string, answer: NodeAnswer): Refused =>
  new Refused(`${what}: ${answer.status}: ${detailOf(answer)}${HINTS[answer.status] ?? ''}`, {
    passing: PASSING.includes(answer.status),
  })

function bodyOf<T>(what: string, answer: NodeAnswer): T {
  if (!answer.ok) throw refusal(what, answer)
  if (typeof answer.json !== 'object' || answer.json === null)
    throw new Refused(`${what}: ${answer.status}, but no JSON object: this is not the API of a node`)
  return answer.json as T
}

export function createApi(connection: NodeConnection, tokens: Tokens): NodeApi {
  const send = async (method: string, path: string, token?: string): Promise<NodeAnswer> =>
    ask(`${await connection.url()}${path}`, { method, headers: token ? { authorization: `Bearer ${token}` } : {} })

  async function call<T>(method: string, path: string): Promise<T> {
    const first = await send(method, path, await tokens.current())
    const answer = first.status === 401 && tokens.renew ? await send(method, path, await tokens.renew()) : first
    return bodyOf<T>(`${method} ${path}`, answer)
  }
  return {
    get: (path) => call('GET', path),
    put: (path) => call('PUT', path),
    open: async (path) => bodyOf(`GET ${path}`, await send('GET', path)),
  }
}
