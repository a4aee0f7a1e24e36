import { createHmac } from 'node:crypto'
import { exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { bearerToken, createVerify } from '../../../shared/http/auth.ts'
import { isFault } from '../../../shared/platform/fault.ts'
import { parseAnalysisId } from '../../../shared/po/model.ts'
import { lineRequest } from '../../../shared/po/requests.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { authenticateClient, authenticateUser } from '../../../shared/wire/auth.ts'
import { AUTH, type AuthConfig, createRealm } from './edge.ts'

const ID = '0b8c1c0e-2a4f-4d1e-9c55-0d2f6a1b7e3d'
const realm = await createRealm()
const { verify } = realm
const authenticate = (token: string, config: Partial<AuthConfig> = {}) => {
  const settings = { ...AUTH, ...config }
  return authenticateClient(settings, createVerify(settings, (async () => realm.publicKey) as never))(token, {})
}
const stranger = await generateKeyPair('RS256')
const now = Math.floor(Date.now() / 1000)

const refusal = (promise: Promise<unknown>) =>
  promise.then(
    () => 'accepted',
    (error: unknown) => (isFault(error) ? error.code : String(error)),
  )

const CLAIMS: JWTPayload = { azp: 'hub-adapter', sub: 's', typ: 'Bearer', exp: now + 300 }
const sign = (claims: JWTPayload, header: object = {}, key = realm.privateKey) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'realm-key', typ: 'JWT', ...header }).sign(key)
const without = (name: string): JWTPayload => Object.fromEntries(Object.entries(CLAIMS).filter(([key]) => key !== name))

/** Signed with the published key as if it were a shared secret. */
async function confused(): Promise<string> {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  const head = `${encode({ alg: 'HS256', kid: 'realm-key', typ: 'JWT' })}.${encode(CLAIMS)}`
  const secret = await exportSPKI(realm.publicKey)
  return `${head}.${createHmac('sha256', secret).update(head).digest('base64url')}`
}

const tampered = async () => {
  const [head, , signature] = (await sign(CLAIMS)).split('.')
  return `${head}.${Buffer.from(JSON.stringify({ ...CLAIMS, azp: 'admin' })).toString('base64url')}.${signature}`
}

describe('tokens', () => {
  const bad: [name: string, token: () => Promise<string> | string][] = [
    ['garbage', () => 'garbage'],
    ['three parts of garbage', () => 'a.b.c'],
    ['alg none', () => new UnsecuredJWT(CLAIMS).encode()],
    ['HS256 with the public key', confused],
    ['changed claims', tampered],
    ['a key of somebody else', () => sign(CLAIMS, {}, stranger.privateKey)],
    ['an unknown key id', () => sign(CLAIMS, { kid: 'unknown' })],
    ['no exp', () => sign(without('exp'))],
    ['exp in the past', () => sign({ ...CLAIMS, exp: now - 30 })],
    ['nbf ahead', () => sign({ ...CLAIMS, nbf: now + 60 })],
    ['an ID token', () => sign({ ...CLAIMS, typ: 'ID' })],
    ['a refresh token', () => sign({ ...CLAIMS, typ: 'Refresh' })],
    ['an offline token', () => sign({ ...CLAIMS, typ: 'Offline' })],
    ['a logout token', () => sign({ ...CLAIMS, typ: 'Logout' }, { typ: 'logout+jwt' })],
    ['an ID token of an issuer that names no typ', () => sign({ ...without('typ'), at_hash: 'x' })],
    ['a header type of another use', () => sign(CLAIMS, { typ: 'dpop+jwt' })],
    ['no client', () => sign(without('azp'))],
    ['a critical extension that we do not know', () => sign(CLAIMS, { crit: ['x'], x: 1 }).catch(() => 'a.b.c')],
  ]
  test.each(bad)('%s: 401', async (_, token) => {
    expect(await refusal(verify(await token()))).toBe('unauthenticated')
  })

  const good: [name: string, claims: JWTPayload, header?: object][] = [
    ['an access token', CLAIMS],
    ['an access token after RFC 9068', without('typ'), { typ: 'at+jwt' }],
    ['a foreign audience, when none is asked for', { ...CLAIMS, aud: 'account' }],
    ['exp two seconds ago: clocks differ', { ...CLAIMS, exp: now - 2 }],
  ]
  test.each(good)('%s: accepted', async (_, claims, header) => {
    expect(await verify(await sign(claims, header))).toEqual({ clientId: 'hub-adapter', subject: 's', roles: [] })
  })

  test('of an analysis say which', async () => {
    const token = await sign({ ...CLAIMS, azp: ID.toUpperCase() })
    expect(await authenticate(token)).toMatchObject({ analysisId: ID })
  })

  test.each([[undefined], [''], ['Basic YTpi'], ['Bearer'], ['Bearer  ']])('%j is no token: 401', (header) => {
    const fault = expect.objectContaining({ code: 'unauthenticated', message: 'Not authenticated' })
    expect(() => bearerToken(header)).toThrow(fault)
  })
  test.each(['Bearer x', 'bearer x', 'BEARER   x '])('%j is the token x', (header) =>
    expect(bearerToken(header)).toBe('x'),
  )
})

describe('algorithms of the realm', () => {
  test.each(['RS256', 'RS512', 'PS256', 'ES256', 'ES384'])('%s: accepted', async (alg) => {
    const { privateKey, publicKey } = await generateKeyPair(alg)
    const token = await new SignJWT(CLAIMS).setProtectedHeader({ alg }).sign(privateKey)
    const check = createVerify(AUTH, (async () => publicKey) as never)
    expect(await check(token)).toMatchObject({ clientId: 'hub-adapter' })
  })
})

describe('optional demands', () => {
  const table: [name: string, config: Partial<AuthConfig>, claims: JWTPayload, verdict: string][] = [
    ['issuer, named', { AUTH_ISSUER: 'https://idp' }, { ...CLAIMS, iss: 'https://idp' }, 'accepted'],
    ['issuer, another', { AUTH_ISSUER: 'https://idp' }, { ...CLAIMS, iss: 'https://other' }, 'unauthenticated'],
    ['issuer, none', { AUTH_ISSUER: 'https://idp' }, CLAIMS, 'unauthenticated'],
    ['audience, among others', { AUTH_AUDIENCE: 'po' }, { ...CLAIMS, aud: ['account', 'po'] }, 'accepted'],
    ['audience, another', { AUTH_AUDIENCE: 'po' }, { ...CLAIMS, aud: 'account' }, 'unauthenticated'],
    ['role, had', { AUTH_REQUIRED_ROLE: 'r' }, { ...CLAIMS, realm_access: { roles: ['q', 'r'] } }, 'accepted'],
    ['role, not had', { AUTH_REQUIRED_ROLE: 'r' }, { ...CLAIMS, realm_access: { roles: ['q'] } }, 'forbidden'],
    ['role, no roles at all', { AUTH_REQUIRED_ROLE: 'r' }, CLAIMS, 'forbidden'],
    ['role, of an analysis: not asked', { AUTH_REQUIRED_ROLE: 'r' }, { ...CLAIMS, azp: ID }, 'accepted'],
  ]
  test.each(table)('%s', async (_, config, claims, verdict) => {
    expect(await refusal(authenticate(await sign(claims), config))).toBe(verdict)
  })
})

describe('an analysis', async () => {
  const token = { analysis: await sign({ ...CLAIMS, azp: ID }), user: await sign(CLAIMS) }

  test.each([
    ['users', 'analysis', 'forbidden'],
    ['users', 'user', 'accepted'],
    ['analyses', 'analysis', 'accepted'],
    ['analyses', 'user', 'accepted'],
  ] as const)('a route for %s, a token of an %s: %s', async (kind, holder, verdict) => {
    const check = (kind === 'users' ? authenticateUser : authenticateClient)(AUTH, verify)
    expect(await refusal(check(token[holder], {}))).toBe(verdict)
  })

  test.each([
    ['its own id', ID, true],
    ['its own id, spelt otherwise', ID.replaceAll('-', '').toUpperCase(), true],
    ['another id', ID.replace('0b', '0c'), false],
  ])('%s in a line: %s', (_, analysis_id, allowed) => {
    const line = { analysis_id, log: '', log_type: 'info', status: '', progress: 0 }
    const body = poSchemas.streamLogs.body.parse(line)
    const call = (analysisId: string | undefined) => () =>
      lineRequest({ body, caller: { analysisId: analysisId ? parseAnalysisId(analysisId) : undefined }, headers: {} })
    if (allowed) expect(call(ID)).not.toThrow()
    else
      expect(call(ID)).toThrow(
        expect.objectContaining({ code: 'forbidden', message: 'Analyses may write only their own logs' }),
      )
    expect(call(undefined)).not.toThrow()
  })
})
