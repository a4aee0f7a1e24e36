/**
 * The public keys of the realm, for as long as the process lives.
 *
 * A token with an unknown key id causes the set to be fetched again, but at most once a second for any number of such
 * tokens: each of them waits for the first fetch that begins after its arrival, and that fetch decides. So a flood of
 * invented key ids costs the key server one request a second, and a new key is accepted at its first use even then. The
 * usual cooldown, which refuses unknown keys meanwhile, would reject it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { Fault } from '../platform/fault.ts'
import { createSend, withinDeadline } from '../platform/http-client.ts'

interface KeyOptions {
  /** Least time between the beginnings of two fetches. */
  readonly intervalMs?: number
  /** After this age the set is fetched again in the background; used meanwhile. */
  readonly refreshAfterMs?: number
  /** After this age an answer waits for a new one. */
  readonly staleAfterMs?: number
  /** How long a key id that the server did not know is refused without asking. */
  readonly refusedForMs?: number
  readonly now?: () => number
}

/** More tokens than this do not wait for keys at a time. */
const MAX_WAITING = 1000
const MAX_REFUSED = 1000
const FETCH_DEADLINE_MS = 3000
const MAX_BYTES = 1024 * 1024

interface KeySet {
  readonly find: JWTVerifyGetKey
  /** When its fetch began. */
  readonly asOf: number
}

const away = (cause?: unknown) => new Fault('unavailable', 'The key server does not answer', { cause })

const send = createSend()

/** Fetches `{issuer}/protocol/openid-connect/certs`. */
export async function fetchKeys(url: URL): Promise<JSONWebKeySet> {
  const request = { method: 'GET', url: url.href } as const
  const { status, text } = await withinDeadline(FETCH_DEADLINE_MS, (signal) => send(request, signal, MAX_BYTES))
  if (status !== 200) throw new Error(`the key server answered ${status}`)
  return JSON.parse(text) as JSONWebKeySet
}

/** Key ids that the server did not know a moment ago; the oldest goes when there are too many. */
function createRefusals(forMs: number, now: () => number) {
  const until = new Map<string, number>()
  return {
    has: (kid: string) => (until.get(kid) ?? 0) > now(),
    add(kid: string) {
      until.delete(kid)
      until.set(kid, now() + forMs)
      const oldest = until.size > MAX_REFUSED ? until.keys().next().value : undefined
      if (oldest !== undefined) until.delete(oldest)
    },
  }
}

/** Key sets, fetched one at a time and not too often. */
function createFetcher(fetchSet: () => Promise<JSONWebKeySet>, intervalMs: number, now: () => number) {
  let begun = Number.NEGATIVE_INFINITY
  let next: Promise<KeySet> | undefined
  let waiting = 0

  const fetchNext = async (): Promise<KeySet> => {
    const pause = begun + intervalMs - now()
    await (pause > 0 ? delay(pause) : undefined) // always at least a turn: `next` is set by then
    begun = now()
    next = undefined
    return { asOf: begun, find: createLocalJWKSet(await fetchSet()) }
  }

  /** A set whose fetch begins after this call. */
  return async (): Promise<KeySet> => {
    if (waiting >= MAX_WAITING) throw new Fault('unavailable', 'Too many tokens with unknown keys', { retryAfter: 1 })
    waiting += 1
    try {
      next ??= fetchNext()
      return await next
    } catch (cause) {
      throw away(cause)
    } finally {
      waiting -= 1
    }
  }
}

/**
 * Resolves the key of a token, for jose's `jwtVerify`.
 * @throws Fault `unavailable` when the set is needed and cannot be had; jose's `JWKSNoMatchingKey` for an unknown key
 */
export function createKeys(fetchSet: () => Promise<JSONWebKeySet>, options: KeyOptions = {}): JWTVerifyGetKey {
  const { intervalMs = 1000, refreshAfterMs = 600_000, staleAfterMs = 3_600_000, refusedForMs = 5000 } = options
  const now = options.now ?? (() => performance.now())
  const fetchNext = createFetcher(fetchSet, intervalMs, now)
  const refused = createRefusals(refusedForMs, now)
  let current: KeySet | undefined
  let refreshing = false

  const renew = async (): Promise<KeySet> => {
    const set = await fetchNext()
    if (!current || set.asOf > current.asOf) current = set
    return current
  }
  /** In the background, once at a time; when it fails, the next token tries again. */
  const refresh = async (): Promise<void> => {
    if (refreshing) return
    refreshing = true
    await renew().catch(() => undefined)
    refreshing = false
  }
  const known = async (): Promise<KeySet> => {
    const age = current ? now() - current.asOf : Number.POSITIVE_INFINITY
    if (!current || age > staleAfterMs) return renew()
    if (age > refreshAfterMs) void refresh()
    return current
  }

  return async (header, token) => {
    const arrived = now()
    const kid = header?.kid ?? ''
    const set = await known()
    try {
      return await set.find(header, token)
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || set.asOf >= arrived || refused.has(kid)) throw error
    }
    const renewed = await renew()
    try {
      return await renewed.find(header, token)
    } catch (error) {
      refused.add(kid)
      throw error
    }
  }
}
