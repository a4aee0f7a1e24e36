/** The Keycloak stand-in beyond the Identity suite: tokens as Keycloak makes them, refusals in its words, its keys. */
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, generateKeyPair, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Keycloak, startKeycloak } from './keycloak.ts'

let keycloak: Keycloak
beforeAll(async () => {
  keycloak = await startKeycloak({ path: '/keycloak' })
})
afterAll(() => keycloak.stop())
beforeEach(() => keycloak.heal())

const grant = async (form: Record<string, string>) => {
  const answer = await fetch(`${keycloak.issuer}/protocol/openid-connect/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  })
  return { status: answer.status, body: (await answer.json()) as Record<string, string> }
}
const asService = (clientId: string) =>
  grant({ grant_type: 'client_credentials', client_id: clientId, client_secret: keycloak.secretOf(clientId) })
const asUser = (scope = 'openid') =>
  grant({
    grant_type: 'password',
    client_id: 'node-ui',
    username: 'researcher',
    password: keycloak.passwordOf('researcher'),
    scope,
  })
const remoteKeys = () => createRemoteJWKSet(new URL(`${keycloak.issuer}/protocol/openid-connect/certs`))
const verifies = (token: string): Promise<boolean> =>
  jwtVerify(token, remoteKeys(), { issuer: keycloak.issuer }).then(
    () => true,
    () => false,
  )

const BAD_CREDENTIALS = 'Invalid client or Invalid client credentials'
test.each([
  ['a wrong secret', { client_id: 'service1', client_secret: 'x' }, 401, 'unauthorized_client', BAD_CREDENTIALS],
  ['no secret', { client_id: 'service1' }, 401, 'unauthorized_client', BAD_CREDENTIALS],
  ['an unknown client', { client_id: 'nobody', client_secret: 'x' }, 401, 'invalid_client', BAD_CREDENTIALS],
  [
    'a public client',
    { client_id: 'node-ui' },
    401,
    'unauthorized_client',
    'Public client not allowed to retrieve service account',
  ],
  [
    'a wrong password',
    { grant_type: 'password', client_id: 'node-ui', username: 'researcher', password: 'x' },
    401,
    'invalid_grant',
    'Invalid user credentials',
  ],
  [
    'another grant',
    { grant_type: 'magic', client_id: 'node-ui' },
    400,
    'unsupported_grant_type',
    'Unsupported grant_type',
  ],
])('%s is refused as Keycloak does', async (_, form, status, error, error_description) => {
  expect(await grant({ grant_type: 'client_credentials', ...form } as Record<string, string>)).toEqual({
    status,
    body: { error, error_description },
  })
})

test('no grant type is refused as Keycloak does', async () => {
  expect(await grant({ client_id: 'service1' })).toEqual({
    status: 400,
    body: { error: 'invalid_request', error_description: 'Missing form parameter: grant_type' },
  })
})

test('a service account has an access token and neither ID nor refresh token', async () => {
  const { body } = await asService('hub-adapter')
  expect(Object.keys(body)).not.toEqual(expect.arrayContaining(['id_token']))
  expect(body).toMatchObject({ token_type: 'Bearer', expires_in: 7200, refresh_expires_in: 0 })
  expect(decodeJwt(body['access_token'] ?? '')).toMatchObject({
    iss: keycloak.issuer,
    aud: 'account',
    azp: 'hub-adapter',
    client_id: 'hub-adapter',
    typ: 'Bearer',
    preferred_username: 'service-account-hub-adapter',
    sub: expect.any(String),
    jti: expect.any(String),
  })
  expect(await verifies(body['access_token'] ?? '')).toBe(true)
})

test('a user has an access, an ID and a refresh token, told apart by typ; the last is no RS256', async () => {
  const { body } = await asUser()
  const kinds = ['access_token', 'id_token', 'refresh_token'].map((name) => {
    const token = body[name] ?? ''
    return [decodeJwt(token)['typ'], decodeProtectedHeader(token).alg, decodeJwt(token).aud]
  })
  expect(kinds).toEqual([
    ['Bearer', 'RS256', 'account'],
    ['ID', 'RS256', 'node-ui'],
    ['Refresh', 'HS512', keycloak.issuer],
  ])
  expect(decodeJwt(body['access_token'] ?? '')['client_id']).toBeUndefined()
  expect((await asUser('profile')).body['id_token']).toBeUndefined()
})

describe('the admin API', () => {
  const admin = async (token: string, path = '', init: RequestInit = {}) => {
    const base = `${keycloak.url}/admin/realms/${keycloak.realm}/clients`
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const answer = await fetch(`${base}${path}`, { headers, ...init })
    const text = await answer.text()
    return { status: answer.status, body: text && JSON.parse(text), location: answer.headers.get('location') }
  }

  test.each([
    ['no token of the realm', async () => 'x', 401, 'HTTP 401 Unauthorized'],
    [
      'a token of another key',
      async () => keycloak.mint({ typ: 'Bearer' }, { key: (await generateKeyPair('RS256')).privateKey }),
      401,
      'HTTP 401 Unauthorized',
    ],
    ['a refresh token', async () => (await asUser()).body['refresh_token'] ?? '', 401, 'HTTP 401 Unauthorized'],
    ['an ID token', async () => (await asUser()).body['id_token'] ?? '', 401, 'HTTP 401 Unauthorized'],
    ['a user', async () => (await asUser()).body['access_token'] ?? '', 403, 'HTTP 403 Forbidden'],
    ['a service', async () => (await asService('hub-adapter')).body['access_token'] ?? '', 403, 'HTTP 403 Forbidden'],
  ])('is closed to %s', async (_, token, status, error) => {
    expect(await admin(await token())).toMatchObject({ status, body: { error } })
  })

  test('makes a client once, finds it by its whole id only, and deletes it once', async () => {
    const token = (await asService('service1')).body['access_token'] ?? ''
    const post = { method: 'POST', body: '{"clientId":"probe","serviceAccountsEnabled":"true"}' }
    const made = await admin(token, '', post)
    expect(made.status).toBe(201)
    expect(await admin(token, '', post)).toMatchObject({
      status: 409,
      body: { errorMessage: 'Client probe already exists' },
    })
    expect((await admin(token, '?clientId=prob')).body).toEqual([])
    const [row] = (await admin(token, '?clientId=probe')).body
    expect(made.location).toBe(`${keycloak.url}/admin/realms/flame/clients/${row.id}`)
    expect(row).toMatchObject({ serviceAccountsEnabled: true, publicClient: false })
    expect((await admin(token, `/${row.id}/client-secret`)).body).toEqual({ type: 'secret', value: row.secret })
    expect((await admin(token, `/${row.id}`, { method: 'DELETE' })).status).toBe(204)
    expect(await admin(token, `/${row.id}`, { method: 'DELETE' })).toMatchObject({
      status: 404,
      body: { error: 'Could not find client' },
    })
  })

  test('does not take what is no JSON', async () => {
    const token = (await asService('service1')).body['access_token'] ?? ''
    expect((await admin(token, '', { method: 'POST', body: '{"clientId"' })).status).toBe(400)
  })
})

test('the published keys sign and encrypt; a rotated one joins them, and dropping ends the old', async () => {
  const keys = async () => {
    const answer = await fetch(`${keycloak.issuer}/protocol/openid-connect/certs`)
    return ((await answer.json()) as { keys: { use: string; kid: string; d?: string }[] }).keys
  }
  const old = (await asService('service1')).body['access_token'] ?? ''
  expect((await keys()).map(({ use }) => use).toSorted()).toEqual(['enc', 'sig'])
  expect((await keys()).every((key) => key.d === undefined)).toBe(true)

  await keycloak.rotateKeys()
  const next = (await asService('service1')).body['access_token'] ?? ''
  expect(decodeProtectedHeader(next).kid).not.toBe(decodeProtectedHeader(old).kid)
  expect([await verifies(old), await verifies(next)]).toEqual([true, true])

  await keycloak.rotateKeys({ dropOld: true })
  expect([await verifies(old), await verifies(next)]).toEqual([false, false])
})

test('a minted token has exactly the given claims, with any key and algorithm', async () => {
  const claims = { iss: 'x', azp: 'y' }
  expect(decodeJwt(await keycloak.mint(claims))).toEqual(claims)
  const hmac = await keycloak.mint(claims, { alg: 'HS256', key: new Uint8Array(32), kid: null })
  expect(decodeProtectedHeader(hmac)).toEqual({ alg: 'HS256', typ: 'JWT' })
  expect(await verifies(await keycloak.mint({ ...claims, iss: keycloak.issuer }))).toBe(true)
})

test('discovery and realm answer; another realm does not exist', async () => {
  const discovery = await fetch(`${keycloak.issuer}/.well-known/openid-configuration`)
  expect(await discovery.json()).toMatchObject({
    issuer: keycloak.issuer,
    jwks_uri: `${keycloak.issuer}/protocol/openid-connect/certs`,
  })
  expect((await fetch(keycloak.issuer)).status).toBe(200)
  const other = await fetch(`${keycloak.url}/realms/other`)
  expect([other.status, await other.json()]).toEqual([404, { error: 'Realm does not exist' }])
})

test.each([
  ['close', 'close'],
  ['500', { status: 500, body: {} }],
] as const)('%s breaks the next requests that match, and no others', async (_, how) => {
  keycloak.fail(/certs/, how, 2)
  const outcome = (path: string) =>
    fetch(`${keycloak.issuer}${path}`).then(
      ({ status }) => status,
      () => 'cut',
    )
  const certs = '/protocol/openid-connect/certs'
  const broken = how === 'close' ? 'cut' : 500
  expect([await outcome(certs), await outcome(''), await outcome(certs), await outcome(certs)]).toEqual([
    broken,
    200,
    broken,
    200,
  ])
})
