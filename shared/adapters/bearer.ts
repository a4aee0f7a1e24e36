/** JSON requests with an OAuth access token, which is requested on demand, shared by all callers and renewed before it expires. */
import { Fault } from '../platform/fault.ts'
import { type Ask, expectOk, type HttpAnswer, type HttpRequest } from '../platform/http-client.ts'
import type { Token } from '../po/ports/identity.ts'
import { asObject, numberOf, parseAnswer, textOf } from './json.ts'

interface BearerOptions {
  readonly ask: Ask
  readonly requestToken: () => Promise<Token>
  readonly now: () => Date
}

/** Sends a request with the token, and once more with a new token after a 401. */
type AskWithToken = (method: HttpRequest['method'], url: string, doing: string, body?: object) => Promise<HttpAnswer>

/** A token is renewed this long before it expires, or after three quarters of a shorter life. */
const LEEWAY_MS = 30_000

export function createBearer({ ask, requestToken, now }: BearerOptions): AskWithToken {
  let cached: { readonly value: string; readonly useUntil: number } | undefined
  let pending: Promise<string> | undefined

  const renew = async (): Promise<string> => {
    const before = now().getTime()
    const { value, expiresAt } = await requestToken()
    const life = expiresAt.getTime() - before
    cached = { value, useUntil: expiresAt.getTime() - Math.min(LEEWAY_MS, life / 4) }
    return value
  }

  const current = (): Promise<string> => {
    if (cached && now().getTime() < cached.useUntil) return Promise.resolve(cached.value)
    pending ??= renew().finally(() => {
      pending = undefined
    })
    return pending
  }

  return async (method, url, doing, body) => {
    const send = (token: string): Promise<HttpAnswer> => {
      const headers = { authorization: `Bearer ${token}`, ...(body ? { 'content-type': 'application/json' } : {}) }
      return ask({ method, url, headers, ...(body ? { body: JSON.stringify(body) } : {}) }, doing)
    }
    const token = await current()
    const answer = await send(token)
    if (answer.status !== 401) return answer
    if (cached?.value === token) cached = undefined
    return send(await current())
  }
}

/**
 * Requests a token by OAuth.
 * @throws Fault `refused` when the answer contains no token, or one that has expired
 */
export async function askToken(
  ask: Ask,
  request: Omit<HttpRequest, 'method'>,
  { system, doing, now }: { readonly system: string; readonly doing: string; readonly now: () => Date },
): Promise<Token> {
  const requestedAt = now().getTime()
  const answer = expectOk(system, doing, await ask({ ...request, method: 'POST' }, doing))
  const body = asObject(parseAnswer(system, answer.text))
  const value = textOf(body, 'access_token')
  const seconds = numberOf(body, 'expires_in')
  if (value === undefined || seconds === undefined || seconds <= 0) {
    throw new Fault('refused', `${system} was asked to ${doing} and gave none`)
  }
  return { value, expiresAt: new Date(requestedAt + seconds * 1000) }
}
