/** Who may call where the site decides, and by which addresses. */
import { describe, expect, it } from 'vitest'
import { groupsOf } from '../../../shared/config.ts'
import { dtSchemas } from '../../../shared/dt/schema.ts'
import { authenticateFor, NOBODY } from '../../../shared/http/auth.ts'
import { createEdge } from '../../../shared/http/edge.ts'
import { endpoint } from '../../../shared/http/endpoint.ts'
import { type Route, routes } from '../../../shared/routes.ts'
import { runToken } from '../../../shared/service-token.ts'
import { createRealm, serveFunction } from './edge.ts'

const realm = await createRealm()
const KEY = 'a key of more than thirty-two characters'
const SERVICE = '669a4eee364a1b751c550b02'
const twin: Route = { ...routes.dt.healthz, auth: 'twin', settings: ['auth', 'twins'] }
const ofService: Route = { ...routes.dt.healthz, auth: 'service', settings: ['tokens'] }

describe('DT_AUTH', () => {
  it.each([
    [{}, ['twins']],
    [{ DT_AUTH: 'none' }, ['twins']],
    [{ DT_AUTH: 'keycloak' }, ['auth', 'twins']],
  ])('%j: settings of %j are read', (env, groups) => expect(groupsOf(twin, env)).toEqual(groups))

  it('none: everybody is let in, with or without a token', async () => {
    const { authenticate } = createEdge(twin, { LOG_LEVEL: 'fatal' })
    expect(await authenticate(undefined)).toBe(NOBODY)
    expect(await authenticate('Bearer nonsense')).toBe(NOBODY)
  })

  it('keycloak: a token of the realm is needed, and an analysis’s is none', async () => {
    const edge = () => realm.edge
    const well = async () => ({ status: 'ok' as const })
    await using server = await serveFunction(endpoint(twin, dtSchemas.healthz, well, () => undefined, { edge }))
    const status = async (authorization?: string) =>
      (await fetch(`${server.url}/healthz`, { headers: authorization ? { authorization } : {} })).status
    expect(await status()).toBe(401)
    expect(await status('Bearer nonsense')).toBe(401)
    expect(await status(`Bearer ${await realm.token({ azp: '0b8c1c0e-2a4f-4d1e-9c55-0d2f6a1b7e3d' })}`)).toBe(403)
    expect(await status(`Bearer ${await realm.token()}`)).toBe(200)
  })
})

describe('the token of a run', () => {
  const grant = { serviceId: SERVICE, uid: 'a-uid', step: 'replication', firing: 0, index: 2, retries: 1 } as const
  const authenticate = authenticateFor(ofService, { DT_TOKEN_KEY: [KEY], DT_AUTH: 'none' } as never)

  it('says which run calls', async () =>
    expect(await authenticate(`Bearer ${runToken([KEY], grant)}`)).toMatchObject({ serviceId: SERVICE, grant }))

  it.each([undefined, 'Bearer', 'Bearer nonsense', `Basic ${runToken([KEY], grant)}`])(
    '%s is refused, whatever DT_AUTH says',
    (header) => expect(authenticate(header)).rejects.toMatchObject({ code: 'unauthenticated' }),
  )
  it('of the realm is refused', async () =>
    expect(authenticate(`Bearer ${await realm.token()}`)).rejects.toMatchObject({ code: 'unauthenticated' }))
})

describe('the digital-twin API', () => {
  const edge = () => createEdge(routes.dt.healthz, { VERSION: 'v2', LOG_LEVEL: 'fatal' })
  const well = async () => ({ status: 'ok' as const })
  const fn = endpoint(routes.dt.healthz, dtSchemas.healthz, well, () => undefined, { edge })

  it.each(['/healthz', '/healthz/', '/api/orchestrator/v2/healthz', '/api/orchestrator/v2/healthz/'])(
    'answers %s',
    async (path) => {
      await using server = await serveFunction(fn)
      const response = await fetch(server.url + path)
      expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
    },
  )
  it('does not answer for another version', async () => {
    await using server = await serveFunction(fn)
    expect((await fetch(`${server.url}/api/orchestrator/v1alpha1/healthz`)).status).toBe(404)
  })
  it.each([
    ['http://localhost', 'http://localhost'],
    ['http://localhost:3000', 'http://localhost:3000'],
    ['http://localhost:8080', null],
  ])('lets scripts of %s in: %s', async (origin, allowed) => {
    await using server = await serveFunction(fn)
    const { headers } = await fetch(`${server.url}/healthz`, { headers: { origin } })
    expect(headers.get('access-control-allow-origin')).toBe(allowed)
  })
})
