/** Calls the node's API with a token and turns an error response into one sentence. */

import type { NodeConnection } from './connection.ts'
import { CommandError } from './errors.ts'
import { type NodeResponse, sendRequest } from './http.ts'
import type { Tokens } from './tokens.ts'

export interface NodeApi {
  /** @throws CommandError unless the status is 2xx */
  get<T>(path: string): Promise<T>
  put<T>(path: string): Promise<T>
  /** Sends no token. */
  getPublic<T>(path: string): Promise<T>
}

/** Statuses of a function that is not ready. */
const TRANSIENT = [502, 503, 504]

const HINTS: Readonly<Record<number, string>> = {
  401: ' (the token was not accepted: has it run out, is it of another realm?)',
  403: ' (the token is good, and does not allow this)',
}

interface ValidationError {
  readonly loc?: readonly (string | number)[]
  readonly msg?: string
}

/** The `detail` of a problem of this API. The body of another service is not repeated. */
function detailOf({ json, text }: NodeResponse): string {
  const detail = (json as { readonly detail?: unknown } | undefined)?.detail
  if (typeof detail === 'string') return detail
  if (Array.isArray(detail))
    return detail.map(({ loc = [], msg = '' }: ValidationError) => `${loc.join('.')}: ${msg}`).join('; ')
  return text.trim() === '' ? 'no reason given' : 'the answer is not one of this API'
}

export const responseError = (what: string, answer: NodeResponse): CommandError =>
  new CommandError(`${what}: ${answer.status}: ${detailOf(answer)}${HINTS[answer.status] ?? ''}`, {
    transient: TRANSIENT.includes(answer.status),
  })

function bodyOf<T>(what: string, answer: NodeResponse): T {
  if (!answer.ok) throw responseError(what, answer)
  if (typeof answer.json !== 'object' || answer.json === null)
    throw new CommandError(`${what}: ${answer.status}, but no JSON object: this is not the API of a node`)
  return answer.json as T
}

export function createApi(connection: NodeConnection, tokens: Tokens): NodeApi {
  const send = async (method: string, path: string, token?: string): Promise<NodeResponse> =>
    sendRequest(`${await connection.url()}${path}`, {
      method,
      headers: token ? { authorization: `Bearer ${token}` } : {},
    })

  async function call<T>(method: string, path: string): Promise<T> {
    const first = await send(method, path, await tokens.current())
    const answer = first.status === 401 && tokens.renew ? await send(method, path, await tokens.renew()) : first
    return bodyOf<T>(`${method} ${path}`, answer)
  }
  return {
    get: (path) => call('GET', path),
    put: (path) => call('PUT', path),
    getPublic: async (path) => bodyOf(`GET ${path}`, await send('GET', path)),
  }
}
