import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { exportJWK, generateKeyPair, type JSONWebKeySet, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bearerToken, createVerify } from '../../../shared/http/auth.ts'
import { createKeys, fetchKeys } from '../../../shared/http/keys.ts'
import { AUTH } from './edge.ts'

const CERTS = '/keycloak/realms/flame/protocol/openid-connect/certs'

async function makeKey(kid: string) {
  const { privateKey, publicKey } = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'RS256' }
  const token = (header: object = {}) =>
    new SignJWT({ azp: 'a', typ: 'Bearer' })
      .setProtectedHeader({ alg: 'RS256', kid, ...header })
      .setExpirationTime('5m')
      .sign(privateKey)
  return { jwk, token }
}

const [first, second] = await Promise.all([makeKey('first'), makeKey('second')])

/** A key server whose keys and mood can change. */
const server = createServer((request, response) => {
  fetches += 1
  if (request.url !== CERTS || mood === 'broken') return void response.writeHead(500).end('<html>')
  if (mood === 'silent') return
  response
    .writeHead(200, { 'content-type': 'application/json' })
    .end(mood === 'empty' ? '{}' : JSON.stringify(published))
})
let fetches = 0
let mood: 'well' | 'broken' | 'silent' | 'empty' = 'well'
let published: JSONWebKeySet = { keys: [] }
let url = ''

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keycloak`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const reset = (keys: JSONWebKeySet['keys'], as: typeof mood = 'well') => {
  published = { keys }
  mood = as
  fetches = 0
}
const createAuthenticate = (...of: Parameters<typeof createVerify>) => {
  const verify = createVerify(...of)
  return async (authorization?: string) => verify(bearerToken(authorization))
}
const start = () => createAuthenticate({ ...AUTH, KEYCLOAK_URL: url })
const code = (promise: Promise<unknown>) =>
  promise.then(
    () => 'ok',
    (error: { code?: string }) => error.code,
  )

describe('the keys of the realm', () => {
  test('are fetched once for any number of tokens', async () => {
    reset([first.jwk])
    const authenticate = start()
    const token = `Bearer ${await first.token()}`
    await Promise.all(Array.from({ length: 50 }, () => authenticate(token)))
    await authenticate(token)
    expect(fetches).toBe(1)
  })

  test('are not fetched for a request without a token', async () => {
    reset([first.jwk])
    expect(await code(start()(undefined))).toBe('unauthenticated')
    expect(fetches).toBe(0)
  })

  test('rotated in the middle of a flood of unknown key ids: accepted at first use, one fetch a second', async () => {
    reset([first.jwk])
    const authenticate = start()
    await authenticate(`Bearer ${await first.token()}`)
    const tokens = await Promise.all(Array.from({ length: 200 }, (_, i) => first.token({ kid: `invented-${i}` })))
    const began = performance.now()
    const flood: Promise<unknown>[] = []
    for (const [i, token] of tokens.entries()) {
      flood.push(code(authenticate(`Bearer ${token}`)))
      if (i === 100) reset([first.jwk, second.jwk])
      if (i % 20 === 0) await delay(50)
    }
    const rotated = authenticate(`Bearer ${await second.token()}`)
    await expect(rotated).resolves.toMatchObject({ clientId: 'a' })
    const seconds = (performance.now() - began) / 1000
    expect(seconds).toBeLessThan(3)
    expect(new Set(await Promise.all(flood))).toEqual(new Set(['unauthenticated']))
    expect(fetches).toBeLessThanOrEqual(Math.ceil(seconds) + 1)
  })

  test('a key id that was unknown a moment ago is refused without asking again', async () => {
    reset([first.jwk])
    const authenticate = start()
    const invented = `Bearer ${await first.token({ kid: 'invented' })}`
    expect(await code(authenticate(invented))).toBe('unauthenticated')
    expect(await code(authenticate(invented))).toBe('unauthenticated')
    const asked = fetches
    for (let i = 0; i < 20; i++) expect(await code(authenticate(invented))).toBe('unauthenticated')
    expect(fetches).toBe(asked)
  })

  test.each(['broken', 'empty'] as const)(
    'cannot be had (%s): 503, and well again as soon as the server is',
    async (as) => {
      reset([first.jwk], as)
      const authenticate = start()
      const token = `Bearer ${await first.token()}`
      expect(await code(authenticate(token))).toBe('unavailable')
      mood = 'well'
      expect(await code(authenticate(token))).toBe('ok')
    },
  )

  test('cannot be had while the known ones still serve: known tokens pass, unknown keys get 503', async () => {
    reset([first.jwk])
    const authenticate = start()
    await authenticate(`Bearer ${await first.token()}`)
    mood = 'broken'
    expect(await code(authenticate(`Bearer ${await first.token()}`))).toBe('ok')
    expect(await code(authenticate(`Bearer ${await second.token()}`))).toBe('unavailable')
  })

  test('nobody listens: 503', async () => {
    const authenticate = createAuthenticate({ ...AUTH, KEYCLOAK_URL: 'http://127.0.0.1:9' })
    expect(await code(authenticate(`Bearer ${await first.token()}`))).toBe('unavailable')
  })

  test('never answered: 503 within the deadline', async () => {
    reset([first.jwk], 'silent')
    const began = performance.now()
    expect(await code(start()(`Bearer ${await first.token()}`))).toBe('unavailable')
    expect(performance.now() - began).toBeLessThan(10_000)
  })
})

describe('age of the key set', () => {
  const aging = async () => {
    let clock = 0
    let count = 0
    const fetchSet = async () => {
      count += 1
      if (mood === 'broken') throw new Error('away')
      return published
    }
    const keys = createKeys(fetchSet, { now: () => clock, intervalMs: 0, refreshAfterMs: 10, staleAfterMs: 100 })
    const authenticate = createAuthenticate(AUTH, keys)
    const token = `Bearer ${await first.token()}`
    const at = (time: number) => {
      clock = time
      return code(authenticate(token))
    }
    return { at, count: () => count }
  }

  test('refreshed in the background when old, and used meanwhile', async () => {
    reset([first.jwk])
    const { at, count } = await aging()
    expect(await at(0)).toBe('ok')
    expect(await at(9)).toBe('ok')
    expect(count()).toBe(1)
    expect(await at(11)).toBe('ok')
    await delay(0)
    expect(count()).toBe(2)
  })

  test('too old to trust without asking: 503 when the server is away', async () => {
    reset([first.jwk])
    const { at } = await aging()
    expect(await at(0)).toBe('ok')
    mood = 'broken'
    expect(await at(50)).toBe('ok')
    expect(await at(101)).toBe('unavailable')
  })
})

test('a key set of more than 1 MiB is not read', async () => {
  const big = createServer((_, response) => void response.end(`{"keys":[],"x":"${'x'.repeat(2_000_000)}"}`))
  await new Promise<void>((resolve) => big.listen(0, '127.0.0.1', resolve))
  try {
    const address = new URL(`http://127.0.0.1:${(big.address() as AddressInfo).port}`)
    await expect(fetchKeys(address)).rejects.toThrow('too large')
  } finally {
    big.closeAllConnections()
    big.close()
  }
})
