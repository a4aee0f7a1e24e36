import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { gatewayConf } from '../../knative/gateway-conf.ts'
import { httpRoute } from '../../knative/http-route.ts'
import { BODY_LIMIT } from '../../shared/http/body.ts'
import { createMatcher } from '../../shared/http/match.ts'
import { allRoutes, type Route, routes } from '../../shared/routes.ts'
import { type DnsStub, startDns } from '../conformance/dns.ts'
import { type Gateway, startGateway } from '../sandbox/gateway.ts'
import { isInstalled } from '../shared/po/objects/installed.ts'
import { type RunningGateway, startNginx } from './nginx.ts'
import { ROOT, readText } from './read.ts'

const SUFFIX = 'po.svc.cluster.local'
/** nginx counts whole seconds: a name it may keep for one is asked for again within two. */
const FORGOTTEN_MS = 2100
const ID = '0b8c1c0e-2a4f-4d1e-9c55-0d2f6a1b7e3d'
const httpRoutes = allRoutes.filter(({ trigger }) => trigger === 'http')
const ways = httpRoutes.flatMap((route) =>
  route.endpoints.map(({ method, path }) => [method, path.replace(/\{\w+\}/, ID), route] as const),
)
const slashForms = (path: string) => [path, path.endsWith('/') ? path.slice(0, -1) : `${path}/`]

/** The function that the map of nginx.conf names, by its own patterns. */
function ownerIn(conf: string): (method: string, path: string) => string | undefined {
  const [, map = ''] = /\$function \{\n([\s\S]*?)\n {2}\}/.exec(conf) ?? []
  const lines = [...map.matchAll(/^ *"~(.+)" ([\w-]+);$/gm)].map(([, pattern = '', name = '']) => ({
    pattern: new RegExp(pattern.replaceAll('\\z', '(?![^])')),
    name,
  }))
  return (method, path) => lines.find(({ pattern }) => pattern.test(`${method} ${path}`))?.name
}

describe('the table in nginx.conf', () => {
  const owner = ownerIn(gatewayConf(allRoutes))
  const matchers = httpRoutes.map((route) => ({ route, find: createMatcher(route.endpoints) }))
  const byMatcher = (method: string, path: string): Route | undefined =>
    matchers.find(({ find }) => find(method, path).match)?.route

  test.each(ways)(
    '%s %s leads to its function, in both slash forms, with a query or without',
    (method, path, route) => {
      for (const form of slashForms(path)) {
        expect(owner(method, form)).toBe(route.name)
        expect(owner(method, `${form}?q=1`)).toBe(route.name)
        expect(owner('OPTIONS', form)).toBe(route.name)
      }
    },
  )
  test('leads nowhere else: for each method and path, what the functions themselves would match', () => {
    const segments = [
      '',
      'po',
      'api',
      'v1',
      'status',
      'stop',
      'stream_logs',
      'openapi.json',
      'openapi_json',
      ID,
      '%2e',
      'healthz',
    ]
    const paths = segments.flatMap((a) =>
      segments.flatMap((b) => ['', ...segments].map((c) => `/${a}/${b}${c && `/${c}`}`)),
    )
    for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'PATCH'])
      for (const path of paths)
        expect([method, path, owner(method, path)]).toEqual([method, path, byMatcher(method, path)?.name])
  })
  test('names no function of events', () => {
    const names = new Set([...gatewayConf(allRoutes).matchAll(/" (po-[\w-]+);/g)].map(([, name]) => name))
    expect([...names].toSorted()).toEqual(httpRoutes.map(({ name }) => name).toSorted())
  })
  test.each(['/po/{id}; return 200', '/po/"', '/po/$x', 'po', '/po//x', '/po/{a}{b}', '/po\n'])(
    'refuses %j as a path',
    (path) => {
      const [endpoint] = routes.po.create.endpoints
      const route: Route = { ...routes.po.create, endpoints: [{ ...endpoint, path }] }
      expect(() => gatewayConf([route])).toThrow('no path template')
    },
  )
  test('of what analyses may call holds that one path', () => {
    const conf = readText('knative/overlays/httproute/nginx.conf')
    expect(ways.filter(([method, path]) => ownerIn(conf)(method, path)).map(([, path]) => path)).toEqual([
      '/po/stream_logs',
    ])
  })
})

describe('the HTTPRoute', () => {
  interface Rule {
    readonly matches: readonly { readonly path: { readonly type: string; readonly value: string } }[]
    readonly filters: readonly { readonly urlRewrite: { readonly hostname: string } }[]
  }
  const { rules } = httpRoute(allRoutes)['spec'] as { rules: readonly Rule[] }
  const covers =
    (path: string) =>
    ({ type, value }: Rule['matches'][number]['path']) =>
      type === 'Exact' ? path === value : path === value || path.startsWith(`${value}/`)
  /** Exact matches win, then the longest prefix. */
  const owner = (path: string): string | undefined => {
    const hits = rules.flatMap(({ matches, filters }) =>
      matches.filter((match) => covers(path)(match.path)).map((match) => ({ ...match.path, filters })),
    )
    const rank = ({ type, value }: (typeof hits)[number]) => (type === 'Exact' ? 1e6 : 0) + value.length
    return hits.toSorted((a, b) => rank(b) - rank(a))[0]?.filters[0]?.urlRewrite.hostname.split('.')[0]
  }

  test.each(ways)('leads %s %s to its function, in both slash forms', (_, path, route) => {
    for (const form of slashForms(path)) expect(owner(form)).toBe(route.name)
  })
  test.each(['/', '/po/nothing', '/po/statuses', '/api', '/api/v1', '/health/readiness'])('leads %s nowhere', (path) =>
    expect(owner(path)).toBeUndefined(),
  )
  test('refuses a table that does not fit, or in which two functions share a path', () => {
    const many = Array.from({ length: 17 }, (_, index) => ({
      ...routes.po.status,
      endpoints: [{ method: 'GET', path: `/p${index}`, summary: '' }],
    })) as Route[]
    expect(() => httpRoute(many)).toThrow('too large')
    expect(() => httpRoute([routes.po.status, routes.po.status])).toThrow('share a path')
  })
})

describe('what the pod fills in', () => {
  const fill = (resolvConf: string) => {
    const directory = mkdtempSync(join(tmpdir(), 'configure-'))
    const [resolv, result] = [join(directory, 'resolv.conf'), join(directory, 'nginx.conf')]
    writeFileSync(resolv, resolvConf)
    const script = fileURLToPath(new URL('knative/base/gateway/configure.ts', ROOT))
    const template = fileURLToPath(new URL('knative/base/gateway/nginx.conf', ROOT))
    const { status, stderr } = spawnSync(process.execPath, [script, template, result, resolv], { encoding: 'utf8' })
    const conf = status === 0 ? readFileSync(result, 'utf8') : ''
    rmSync(directory, { recursive: true })
    return { stderr, conf }
  }
  test.each([
    [
      'nameserver 10.96.0.10\nsearch flame.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n',
      '10.96.0.10',
      '8080',
      'flame.svc.cluster.local',
    ],
    [
      'search n-1.svc.corp.example svc.corp.example\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n',
      '10.0.0.2',
      '8080',
      'n-1.svc.corp.example',
    ],
    [
      'search example.org flame.svc.cluster.local. cluster.local\nnameserver fd00::a\n',
      '[fd00::a]',
      '[::]:8080 ipv6only=off',
      'flame.svc.cluster.local',
    ],
  ])('is read from resolv.conf: %j', (resolvConf, resolver, listen, suffix) => {
    const { conf, stderr } = fill(resolvConf)
    expect(stderr).not.toContain('Error')
    expect(conf).toContain(`resolver ${resolver} valid=`)
    expect(conf).toContain(`listen ${listen};`)
    expect(conf).toContain(`proxy_set_header Host $function.${suffix};`)
    expect(conf).not.toMatch(/@[A-Z0-9]+@/)
  })
  test.each(['', 'nameserver 10.0.0.2\n', 'nameserver 10.0.0.2\nsearch example.org\n', 'search a.svc.b\n'])(
    'fails loudly outside of a cluster: %j',
    (resolvConf) => expect(fill(resolvConf).stderr).toContain('not that of a pod of a cluster'),
  )
})

describe.skipIf(!isInstalled('nginx', 'nginx'))('nginx as the gateway', () => {
  let handler: RequestListener = () => {}
  const upstream = createServer((incoming, response) => handler(incoming, response))
  let dns: DnsStub
  let nginx: RunningGateway
  let sandbox: Gateway
  let name: (route: Route) => string

  const tell: RequestListener = async (incoming, response) => {
    const body = await text(incoming)
    const { method, url, headers, httpVersion } = incoming
    response.end(JSON.stringify({ method, url, headers, httpVersion, size: body.length }))
  }

  beforeAll(async () => {
    upstream.listen(0, '127.0.0.1')
    await once(upstream, 'listening')
    const { port } = upstream.address() as AddressInfo
    name = ({ name: of }) => `${of}.${SUFFIX}`
    dns = await startDns(Object.fromEntries(httpRoutes.map((route) => [name(route), '127.0.0.1'])))
    nginx = await startNginx({ resolver: dns.address, suffix: SUFFIX, port })
    sandbox = await startGateway({ port: 0, upstreams: () => `http://127.0.0.1:${port}` })
  })
  afterAll(async () => {
    await nginx.stop()
    await sandbox.stop()
    dns.close()
    upstream.closeAllConnections()
    upstream.close()
  })
  afterEach(() => {
    handler = tell
  })
  handler = tell

  /** The path goes out as it is written here. */
  const raw = async (base: string, method: string, path: string) => {
    const { hostname, port } = new URL(base)
    const outgoing = request({ hostname, port, method, path }).end()
    const [answer] = await once(outgoing, 'response')
    const body = await text(answer)
    return { status: answer.statusCode, allow: answer.headers.allow, type: answer.headers['content-type'], body }
  }

  test.each(ways)('%s %s reaches its function as that function, in both slash forms', async (method, path, route) => {
    for (const form of slashForms(path)) {
      const headers = { 'x-request-id': 'r-1', 'x-forwarded-for': '10.0.0.9', 'x-forwarded-host': 'forged' }
      const seen = (await (await fetch(`${nginx.url}${form}?q=1`, { method, headers })).json()) as { headers: object }
      expect(seen).toMatchObject({ method, url: `${form}?q=1`, httpVersion: '1.1' })
      expect(seen.headers).toMatchObject({
        host: name(route),
        'x-request-id': 'r-1',
        'x-forwarded-for': '10.0.0.9, 127.0.0.1',
        'x-forwarded-host': new URL(nginx.url).host,
      })
    }
  })

  test('refuses and passes on exactly what the gateway of a bare machine does', async () => {
    handler = (incoming, response) => response.end(`${incoming.method} ${incoming.url}`)
    const paths = [
      '/',
      '/po',
      '/po/',
      '/po//',
      '/po/nothing',
      '/po/status',
      '/po/status/',
      `/po/status/${ID}`,
      '/po/status/a/b',
    ]
    const odd = [
      '/po/stop/x?y=1',
      '/po/stop?/po/x',
      '/po/status/%2e%2e',
      '/po/x/../status',
      '/po/%73tatus',
      '//po/status',
      '/po/cleanup',
      '/api/v1/openapi.json',
      '/api/v1/openapiXjson',
      '/api/assets/a.js',
      '/health/liveness',
      '/.problem/404',
    ]
    for (const path of [...paths, ...odd])
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
        const [ours, theirs] = [await raw(nginx.url, method, path), await raw(sandbox.url, method, path)]
        expect([method, path, ours]).toEqual([method, path, theirs])
      }
  })

  test('answers errors of its own in JSON: a body that is too large, an address that is too long, no HTTP', async () => {
    const json = { type: 'application/json', body: expect.stringMatching(/^\{"detail":"[^"]+"\}$/) }
    expect(await raw(nginx.url, 'GET', `/po/status?${'x'.repeat(10_000)}`)).toMatchObject({ ...json, status: 414 })
    const large = await fetch(`${nginx.url}/po/`, { method: 'POST', body: Buffer.alloc(BODY_LIMIT + 1) })
    expect([large.status, await large.json()]).toEqual([413, { detail: `Body is larger than ${BODY_LIMIT} bytes` }])
    const fits = await fetch(`${nginx.url}/po/`, { method: 'POST', body: Buffer.alloc(BODY_LIMIT) })
    expect(await fits.json()).toMatchObject({ size: BODY_LIMIT })
    const socket = connect(nginx.port, '127.0.0.1').end('GET /po/status\x01 HTTP/1.1\r\n\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1.1 400 [\s\S]*\r\n\r\n\{"detail":"Malformed request"\}$/)
  })

  test('takes HTTP/1.0 of older proxies, with a host name of theirs', async () => {
    const socket = connect(nginx.port, '127.0.0.1')
    socket.write('POST /po/stream_logs HTTP/1.0\r\nHost: nginx-analysis\r\nContent-Length: 2\r\n\r\n{}')
    const answer = await text(socket)
    expect(answer).toContain('200 OK')
    expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({
      httpVersion: '1.1',
      headers: { host: name(routes.po.streamLogs), 'x-forwarded-host': 'nginx-analysis' },
      size: 2,
    })
  })

  test('hands the first bytes on, of an answer and of a request, while the rest is still to come', async () => {
    const gate = Promise.withResolvers<void>()
    handler = async (_, response) => {
      response.write('first')
      await gate.promise
      response.end('last')
    }
    const reader = (await fetch(`${nginx.url}/po/logs`)).body?.getReader()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('first')
    gate.resolve()
    expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toBe('last')

    const arrived = Promise.withResolvers<string>()
    handler = (incoming, response) => {
      incoming.once('data', (chunk: Buffer) => arrived.resolve(chunk.toString()))
      incoming.once('end', () => response.end('done'))
    }
    const outgoing = request(`${nginx.url}/po/stream_logs`, { method: 'POST' })
    outgoing.write('one')
    expect(await arrived.promise).toBe('one')
    outgoing.end('two')
    const [answer] = await once(outgoing, 'response')
    expect(await text(answer)).toBe('done')
  })

  test('lets go of the function when the caller leaves, and never asks twice', async () => {
    const closed = Promise.withResolvers<void>()
    handler = (_, response) => void response.on('close', closed.resolve)
    const controller = new AbortController()
    const answer = fetch(`${nginx.url}/po/status`, { signal: controller.signal }).catch(() => 'aborted')
    await delay(100)
    controller.abort()
    expect(await answer).toBe('aborted')
    await closed.promise

    let asked = 0
    handler = (incoming) => {
      asked += 1
      incoming.socket.destroy()
    }
    const broken = await fetch(`${nginx.url}/po/stop`, { method: 'PUT' })
    expect([broken.status, await broken.json(), asked]).toEqual([502, { detail: 'The function does not answer' }, 1])
  })

  test('says 502 while a function is not there, and finds it when it comes', async () => {
    dns.records.delete(name(routes.po.pods))
    await delay(FORGOTTEN_MS)
    const away = await fetch(`${nginx.url}/po/pods`)
    expect([away.status, await away.json()]).toEqual([502, { detail: 'The function does not answer' }])
    expect((await fetch(`${nginx.url}/po/status`)).status).toBe(200)
    dns.records.set(name(routes.po.pods), '127.0.0.1')
    await delay(FORGOTTEN_MS)
    expect((await fetch(`${nginx.url}/po/pods`)).status).toBe(200)
  })

  test('passes errors of a function on as they are', async () => {
    handler = (_, response) => response.writeHead(502, { 'content-type': 'application/json' }).end('{"detail":"own"}')
    const answer = await fetch(`${nginx.url}/po/status`)
    expect([answer.status, await answer.text()]).toEqual([502, '{"detail":"own"}'])
  })

  test('writes a line of JSON per request, without its query, and per dead letter, which it takes on a port of its own', async () => {
    await fetch(`${nginx.url}/po/status?token=secret`, { headers: { 'x-request-id': 'line-1' } })
    const headers = {
      'ce-id': '7/a',
      'ce-type': 'some.type',
      'ce-subject': 'a',
      'ce-knativeerrorcode': '503',
      'ce-knativeerrordest': 'http://po-status-reconcile',
    }
    const taken = await fetch(nginx.deadLetters, { method: 'POST', headers, body: Buffer.alloc(BODY_LIMIT * 2) })
    expect([taken.status, await taken.text()]).toEqual([204, ''])
    await delay(50)
    const lines = nginx
      .log()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines).toContainEqual(
      expect.objectContaining({
        logger: 'gateway',
        requestId: 'line-1',
        function: 'po-status',
        path: '/po/status',
        status: 200,
      }),
    )
    expect(lines).toContainEqual(
      expect.objectContaining({
        logger: 'dead-letter',
        level: 'error',
        id: '7/a',
        type: 'some.type',
        subject: 'a',
        code: '503',
      }),
    )
    expect(nginx.log()).not.toContain('secret')
  })
})
