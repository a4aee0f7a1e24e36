/** An access token that is fetched when first needed, shared by all callers, and renewed before it expires. */
import type { HttpAnswer } from '../platform/http-client.ts'
import type { Token } from '../po/ports/identity.ts'
import { asObject, numberOf, textOf } from './json.ts'

interface BearerOptions {
  readonly fetchToken: () => Promise<Token>
  readonly now: () => Date
}

/** Sends with a token; when that is answered with 401, once more with a fresh one. */
type WithBearer = (send: (authorization: string) => Promise<HttpAnswer>) => Promise<HttpAnswer>

/** Longest time before expiry at which a token is no longer used; short-lived ones keep three quarters of their life. */
const LEEWAY_MS = 30_000

export function createBearer({ fetchToken, now }: BearerOptions): WithBearer {
  let cached: { readonly value: string; readonly useUntil: number } | undefined
  let pending: Promise<string> | undefined

  const renew = async (): Promise<string> => {
    const before = now().getTime()
    const { value, expiresAt } = await fetchToken()
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

  return async (send) => {
    const token = await current()
    const answer = await send(`Bearer ${token}`)
    if (answer.status !== 401) return answer
    if (cached?.value === token) cached = undefined
    return send(`Bearer ${await current()}`)
  }
}

/** The token in an OAuth answer; undefined when there is none, or it is said to be expired already. */
export function tokenOf(body: unknown, receivedAt: Date): Token | undefined {
  const answer = asObject(body)
  const value = textOf(answer, 'access_token')
  const seconds = numberOf(answer, 'expires_in')
  if (value === undefined || seconds === undefined || seconds <= 0) return undefined
  return { value, expiresAt: new Date(receivedAt.getTime() + seconds * 1000) }
}
