/** Who may call where the site decides, and by which addresses. */
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, test, vi } from 'vitest'
import { dtSchemas } from '../../../shared/dt/schema.ts'
import { bearerToken } from '../../../shared/http/auth.ts'
import { createEdge } from '../../../shared/http/edge.ts'
import { endpoint } from '../../../shared/http/endpoint.ts'
import { runToken } from '../../../shared/platform/service-token.ts'
import { type Route, routes } from '../../../shared/routes/index.ts'
import { groupsOf } from '../../../shared/settings/config.ts'
import { authenticateRun } from '../../../shared/wire/auth.ts'
import { createRealm, serveFunction } from './edge.ts'

const realm = await createRealm()
const KEY = 'a key of more than thirty-two characters'
const SERVICE = '669a4eee364a1b751c550b02'
const dt: Route = { ...routes.dt.healthz, auth: 'dt', openBy: 'DT_AUTH', settings: ['auth', 'dt'] }

describe('DT_AUTH', () => {
  test.each([
    [{}, ['auth', 'dt']],
    [{ DT_AUTH: 'none' }, ['dt']],
    [{ DT_AUTH: 'keycloak' }, ['auth', 'dt']],
  ])('%j: settings of %j are read', (env, groups) => expect(groupsOf(dt, env)).toEqual(groups))

  test('none: everybody is let in, with or without a token', async () => {
    const edge = () => createEdge(dt, { env: { LOG_LEVEL: 'fatal', DT_AUTH: 'none' } })
    const well = async () => ({ status: 'ok' as const })
    await using server = await serveFunction(endpoint(dt, dtSchemas.healthz, well, () => undefined, { edge }))
    for (const headers of [{}, { authorization: 'Bearer nonsense' }])
      expect((await fetch(`${server.url}/healthz`, { headers })).status).toBe(200)
  })

  test('keycloak: a token of the realm is needed, and an analysis’s is none', async () => {
    const edge = () => realm.edge
    const well = async () => ({ status: 'ok' as const })
    await using server = await serveFunction(endpoint(dt, dtSchemas.healthz, well, () => undefined, { edge }))
    const status = async (authorization?: string) =>
      (await fetch(`${server.url}/healthz`, { headers: authorization ? { authorization } : {} })).status
    expect(await status()).toBe(401)
    expect(await status('Bearer nonsense')).toBe(401)
    expect(await status(`Bearer ${await realm.token({ azp: '0b8c1c0e-2a4f-4d1e-9c55-0d2f6a1b7e3d' })}`)).toBe(403)
    expect(await status(`Bearer ${await realm.token()}`)).toBe(200)
  })
})

const REFUSED = {
  detail:
    'Pages of this origin may not change anything here: DT_CORS_ORIGINS names those that may, or DT_AUTH=keycloak asks for a token',
}
const SITES: [name: string, headers: Record<string, string>, isForeign: boolean][] = [
  ['no page at all', {}, false],
  ['an origin that is listed', { origin: 'http://localhost:3000' }, false],
  ['a listed origin on another site', { origin: 'http://localhost:3000', 'sec-fetch-site': 'cross-site' }, false],
  ['another origin', { origin: 'https://evil.example' }, true],
  ['the origin of a sandboxed frame or a file', { origin: 'null' }, true],
  ['a name that was rebound to us', { origin: 'http://evil.example:8000', host: 'evil.example:8000' }, true],
  ['a listed host at another port', { origin: 'http://localhost:3001' }, true],
  ['an empty origin', { origin: '' }, true],
  ['another site, without an origin', { 'sec-fetch-site': 'cross-site' }, true],
  ['a sister site, without an origin', { 'sec-fetch-site': 'same-site' }, true],
  ['an address that was typed', { 'sec-fetch-site': 'none' }, false],
]

describe('without tokens, a page', () => {
  const create = { image: 'i', version: '1', description: '', ana: { job_type: 'ondemand', reps: 1 } }
  const handle = vi.fn(async () => ({ id: SERVICE as never }))
  const launch = (env: Record<string, string>) =>
    endpoint(routes.dt.serviceLaunch, dtSchemas.serviceLaunch, handle, () => undefined, {
      edge: () => ({
        ...createEdge({ ...routes.dt.serviceLaunch, settings: ['dt'] }, { env: { LOG_LEVEL: 'fatal', ...env } }),
      }),
    })
  /** Node's own client: `fetch` does not let its user say where a page comes from. */
  async function post(url: string, headers: Record<string, string>, body = JSON.stringify(create)) {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
    const all = { 'content-type': 'application/json', ...headers }
    request(`${url}/service/launch`, { method: 'POST', headers: all }, resolve).on('error', reject).end(body)
    const response = await promise
    return { status: response.statusCode, body: JSON.parse(await text(response)) as unknown }
  }

  test.each(SITES)('of %s', async (_, headers, isForeign) => {
    handle.mockClear()
    await using server = await serveFunction(launch({ DT_AUTH: 'none' }))
    const answer = await post(server.url, headers)
    expect(answer).toEqual(isForeign ? { status: 403, body: REFUSED } : { status: 202, body: { id: SERVICE } })
    expect(handle).toHaveBeenCalledTimes(isForeign ? 0 : 1)
  })
  test.each(SITES)('of %s may be read by its own rules: a GET is answered', async (_, headers) => {
    const well = async () => []
    const fn = endpoint(routes.dt.serviceList, dtSchemas.serviceList, well, () => undefined, {
      edge: () =>
        createEdge({ ...routes.dt.serviceList, settings: ['dt'] }, { env: { LOG_LEVEL: 'fatal', DT_AUTH: 'none' } }),
    })
    await using server = await serveFunction(fn)
    const { promise, resolve } = Promise.withResolvers<IncomingMessage>()
    request(`${server.url}/service/`, { headers }, resolve).end()
    expect((await promise).statusCode).toBe(200)
  })
  test.each([
    '',
    'text/plain',
    'text/plain; charset=utf-8',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
  ])('that sends JSON as "%s", for which a browser asks nobody: 415', async (type) => {
    handle.mockClear()
    await using server = await serveFunction(launch({ DT_AUTH: 'none' }))
    expect((await post(server.url, { 'content-type': type })).status).toBe(415)
    expect(handle).not.toHaveBeenCalled()
  })
  test('with tokens, is known by its token wherever it comes from', async () => {
    const edge = () => realm.edge
    const route = routes.dt.serviceLaunch
    await using server = await serveFunction(
      endpoint(route, dtSchemas.serviceLaunch, handle, () => undefined, { edge }),
    )
    const headers = { origin: 'https://elsewhere.example' }
    expect((await post(server.url, headers)).status).toBe(401)
    const authorization = `Bearer ${await realm.token()}`
    expect((await post(server.url, { ...headers, authorization })).status).toBe(202)
  })
})

describe('the token of a run', () => {
  const grant = { serviceId: SERVICE, uid: 'a-uid', step: 'replication', firing: 0, index: 2, retries: 1 } as const
  const authenticate = async (authorization: string | undefined, service = SERVICE) =>
    authenticateRun({ DT_TOKEN_KEY: [KEY] })(bearerToken(authorization), { service_id: service })
  const token = `Bearer ${runToken([KEY], grant)}`

  test('says which run calls', async () =>
    expect(await authenticate(token)).toMatchObject({ serviceId: SERVICE, grant }))

  test.each([undefined, 'Bearer', 'Bearer nonsense', `Basic ${runToken([KEY], grant)}`])(
    '%s is refused, whatever DT_AUTH says',
    (header) => expect(authenticate(header)).rejects.toMatchObject({ code: 'unauthenticated' }),
  )
  test('of the realm is refused', async () =>
    expect(authenticate(`Bearer ${await realm.token()}`)).rejects.toMatchObject({ code: 'unauthenticated' }))
  test('of another service is refused', () =>
    expect(authenticate(token, SERVICE.replace('6', '7'))).rejects.toMatchObject({
      code: 'forbidden',
      message: 'The token is that of another service',
    }))
})

describe('the digital-twin API', () => {
  const edge = () => createEdge(routes.dt.healthz, { env: { VERSION: 'v2', LOG_LEVEL: 'fatal' } })
  const well = async () => ({ status: 'ok' as const })
  const fn = endpoint(routes.dt.healthz, dtSchemas.healthz, well, () => undefined, { edge })

  test.each(['/healthz', '/healthz/', '/api/orchestrator/v2/healthz', '/api/orchestrator/v2/healthz/'])(
    'answers %s',
    async (path) => {
      await using server = await serveFunction(fn)
      const response = await fetch(server.url + path)
      expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
    },
  )
  test('does not answer for another version', async () => {
    await using server = await serveFunction(fn)
    expect((await fetch(`${server.url}/api/orchestrator/v1alpha1/healthz`)).status).toBe(404)
  })
  test.each([
    ['http://localhost', 'http://localhost'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['http://localhost:8080', null],
  ])('lets scripts of %s in: %s', async (origin, allowed) => {
    await using server = await serveFunction(fn)
    const { headers } = await fetch(`${server.url}/healthz`, { headers: { origin } })
    expect(headers.get('access-control-allow-origin')).toBe(allowed)
  })
})
