/**
 * The edge of every function in the route table. Each row runs twice: against `endpoint()` with a use case that only
 * counts calls, and against the function itself, whose database is a port that counts connections. A refusal reaches neither.
 */
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { apiDocs } from '../../functions/po/docs/api-docs.ts'
import { docsReply, docsSchemas } from '../../shared/http/docs/pages.ts'
import { endpoint } from '../../shared/http/endpoint.ts'
import { type HttpFunction, registeredFunction } from '../../shared/http/register.ts'
import type { AnySchemas } from '../../shared/http/schemas.ts'
import { lineRequest } from '../../shared/po/requests.ts'
import { poSchemas } from '../../shared/po/schema.ts'
import { functionFolder, type Route, routes } from '../../shared/routes/index.ts'
import { createRealm } from '../shared/http/edge.ts'
import { type Bearer, type Case, ID, JSON_TYPE, pathOf, refusals, SECRETS, type Target, validBody } from './refusals.ts'

const { statusReconcile: _, docs, ...described } = routes.po
const schemasOf = (key: keyof typeof described): AnySchemas => poSchemas[key]
const functions = [
  ...(Object.keys(described) as (keyof typeof described)[]).map((key) => ({
    route: described[key] as Route,
    schemas: schemasOf(key),
  })),
  { route: docs as Route, schemas: docsSchemas as AnySchemas },
]

const realm = await createRealm()
const tokens: Record<Bearer, string | undefined> = {
  user: await realm.token(),
  analysis: await realm.token({ azp: ID }),
  bad: 'not.a.token',
  none: undefined,
}

/** The key server of the functions, and a database that no request may reach. */
const keys = createServer((_request, response) => void response.end(JSON.stringify({ keys: [realm.jwk] })))
let knocks = 0
const database = createTcpServer((socket) => {
  knocks += 1
  socket.destroy()
})

const portOf = (server: { address(): unknown }) => (server.address() as AddressInfo).port
const listen = (server: Pick<Server, 'listen'>) =>
  new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))

beforeAll(async () => {
  await Promise.all([listen(keys), listen(database as never)])
  const settings = {
    KEYCLOAK_URL: `http://127.0.0.1:${portOf(keys)}`,
    POSTGRES_HOST: '127.0.0.1',
    POSTGRES_PORT: String(portOf(database)),
    LOG_LEVEL: 'fatal',
  }
  const required = ['POSTGRES_USER', 'POSTGRES_PASSWORD', 'POSTGRES_DB', 'HUB_CLIENT_ID', 'HUB_CLIENT_SECRET']
  const clients = ['RESULT_CLIENT_ID', 'RESULT_CLIENT_SECRET']
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value)
  for (const name of [...required, ...clients]) vi.stubEnv(name, 'x')
  for (const name of ['HUB_URL_CORE', 'HUB_URL_AUTH']) vi.stubEnv(name, 'http://127.0.0.1:9')
})
afterAll(() => {
  vi.unstubAllEnvs()
  keys.closeAllConnections()
  keys.close()
  database.close()
})

async function serve(fn: HttpFunction) {
  const server = createServer((request, response) => void fn(request, response))
  await listen(server)
  return {
    url: `http://127.0.0.1:${portOf(server)}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

/** Node's own client: `fetch` sends no body with GET, and clients of this contract do. */
async function send(url: string, row: Omit<Case, 'status' | 'answer' | 'name'>) {
  const { method, path, bearer, headers, body } = row
  const token = tokens[bearer]
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  const all = { ...headers, ...length, ...(token && { authorization: `Bearer ${token}` }) }
  const { hostname, port } = new URL(url)
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  request({ hostname, port, path, method, headers: all, agent: false }, resolve).on('error', reject).end(body)
  const response = await promise
  return { status: response.statusCode, headers: response.headers, text: await text(response) }
}

async function expectRefusal(url: string, row: Case) {
  const { status, headers, text } = await send(url, row)
  expect({ status, text }).toMatchObject({ status: row.status })
  expect(headers).toMatchObject({ 'content-type': 'application/json', 'x-request-id': expect.any(String) })
  expect(JSON.parse(text)).toEqual(row.answer)
  expect(headers.allow).toBe(row.allow)
  expect(headers['www-authenticate']).toBe(row.status === 401 ? 'Bearer' : undefined)
  for (const secret of SECRETS) expect(text).not.toContain(secret)
}

const ANSWERS: Readonly<Record<string, unknown>> = {
  'po-history': { analysis: {}, nginx: {} },
  'po-logs': { analysis: {}, nginx: {} },
  'po-stream-logs': null,
  'po-healthz': { status: 'ok' },
  'po-cleanup': { zombies: '' },
  'po-record': { payloadType: 'application/vnd.in-toto+json', payload: '', signatures: [] },
}
const answerOf = (route: Route, path: string) =>
  route === docs ? docsReply(apiDocs, path, 'favicon.png') : route.name in ANSWERS ? ANSWERS[route.name] : {}

describe.each(functions)('$route.name', ({ route, schemas }) => {
  const handle = vi.fn(async (_deps: unknown, { path }: { path: string }) => answerOf(route, path) as never)
  let stub: Awaited<ReturnType<typeof serve>>
  let real: Awaited<ReturnType<typeof serve>>

  beforeAll(async () => {
    const edge = () => (route.auth === 'analysis' ? realm.analysisEdge : realm.edge)
    const guarded = async (deps: unknown, request: { path: string }) => {
      if (route.name === routes.po.streamLogs.name) lineRequest(request as never)
      return handle(deps, request)
    }
    stub = await serve(endpoint(route, schemas as never, guarded, () => undefined, { edge }))
    const source = fileURLToPath(new URL(`../../functions/${functionFolder(route)}/index.ts`, import.meta.url))
    await import(/* @vite-ignore */ source)
    const fn = registeredFunction(route.name)
    if (!fn) throw new Error(`${route.name} does not register itself`)
    real = await serve(fn)
  })
  afterAll(() => {
    stub.close()
    real.close()
  })

  describe.each(route.endpoints.map((one) => ({ name: `${one.method} ${one.path}`, endpoint: one })))(
    '$name',
    (one) => {
      const target: Target = { route, endpoint: one.endpoint, schemas }

      test.each(refusals(target))('$name, $method: $status, and the handler never ran', async (row) => {
        handle.mockClear()
        knocks = 0
        await expectRefusal(stub.url, row)
        await expectRefusal(real.url, row)
        expect(handle).not.toHaveBeenCalled()
        expect(knocks).toBe(0)
      })

      const path = pathOf(target)
      const slashes = [path, path.endsWith('/') ? path.slice(0, -1) : `${path}/`]
      test.each(slashes)('%s reaches the handler', async (form) => {
        handle.mockClear()
        const row = { method: one.endpoint.method, path: form, bearer: 'user' as Bearer, headers: JSON_TYPE }
        const response = await send(stub.url, { ...row, body: validBody(target) })
        expect(response.status).toBe(200)
        expect(handle).toHaveBeenCalledOnce()
        expect(handle.mock.calls[0]?.[1].path).toBe(one.endpoint.path)
      })

      test('takes a token of the analysis itself only where analyses write', async () => {
        const row = { method: one.endpoint.method, path, bearer: 'analysis' as Bearer, headers: JSON_TYPE }
        const response = await send(stub.url, { ...row, body: validBody(target) })
        expect(response.status).toBe(route.auth === 'user' ? 403 : 200)
      })

      const unasked = one.endpoint.method === 'POST' ? [] : ['{}', '{"broken":', 'null', '\xff']
      test.each(unasked)('an unexpected body is ignored: %s', async (body) => {
        const row = { method: one.endpoint.method, path, bearer: 'user' as Bearer, headers: JSON_TYPE }
        expect((await send(stub.url, { ...row, body })).status).toBe(200)
      })

      test('answers a preflight of its origin, and tells others nothing', async () => {
        const ask = (origin: string) =>
          fetch(`${stub.url}${path}`, {
            method: 'OPTIONS',
            headers: { origin, 'access-control-request-method': one.endpoint.method },
          })
        const own = await ask('http://localhost:8080')
        expect(own.status).toBe(204)
        expect(own.headers.get('access-control-allow-origin')).toBe('http://localhost:8080')
        expect(own.headers.get('access-control-allow-credentials')).toBe('true')
        expect(own.headers.get('access-control-allow-methods')).toContain(one.endpoint.method)
        expect((await ask('http://elsewhere')).headers.get('access-control-allow-origin')).toBeNull()
      })
    },
  )

  test.each(['/health/liveness', '/health/readiness'])('%s answers without a token', async (path) => {
    for (const { url } of [stub, real]) {
      const response = await fetch(url + path)
      expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
      expect((await fetch(url + path, { method: 'POST' })).status).toBe(405)
    }
  })
})
