/** The gateway's configuration in a real nginx, in front of one server in place of all functions. */
import { once } from 'node:events'
import { Agent, createServer, type RequestListener, request, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { GATEWAY_CONNECTIONS } from '../../knative/manifests/gateway-conf.ts'
import { BODY_LIMIT, receivedLimit } from '../../shared/http/body.ts'
import { headerMemory } from '../../shared/po/objects/nginx-http.ts'
import { type Route, routes } from '../../shared/routes/index.ts'
import { type DnsStub, startDns } from '../conformance/dns.ts'
import { memoryOf, sendHalf } from '../conformance/half-sent.ts'
import { type Gateway, startGateway } from '../sandbox/gateway.ts'
import { isInstalled } from '../shared/po/objects/installed.ts'
import { type RunningGateway, startNginx } from './nginx.ts'
import { readText } from './read.ts'
import { httpRoutes, ID, slashForms, ways } from './ways.ts'

/** Bytes received of the longest body of `/po`. */
const LARGEST = receivedLimit('long-texts')

/** Memory limit of nginx in the Deployment, in MiB. */
function memoryLimit(path: string): number {
  const { spec } = parse(readText(path)) as { spec: { template: { spec: { containers: Container[] } } } }
  const memory = spec.template.spec.containers.find(({ name }) => name === 'nginx')?.resources.limits.memory
  return Number(/^(\d+)Mi$/.exec(memory ?? '')?.[1])
}
interface Container {
  readonly name: string
  readonly resources: { readonly limits: { readonly memory: string } }
}

const portOf = (server: Server) => (server.address() as AddressInfo).port

const SUFFIX = 'po.svc.cluster.local'
/** nginx counts whole seconds: it resolves a name with a TTL of one again within two, on an idle machine. */
const FORGETTING = { timeout: 15_000, interval: 100 }

describe.skipIf(!isInstalled('nginx', 'nginx'))('nginx as the gateway', () => {
  let handler: RequestListener = () => {}
  const upstream = createServer({ maxHeaderSize: 64 * 1024 }, (incoming, response) => handler(incoming, response))
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
    const port = portOf(upstream)
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

  /** Sends the path unchanged. */
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
    expect(await raw(nginx.url, 'GET', `/po/status?${'x'.repeat(40_000)}`)).toMatchObject({ ...json, status: 414 })
    const large = await fetch(`${nginx.url}/po/`, { method: 'POST', body: Buffer.alloc(LARGEST + 1) })
    expect([large.status, await large.json()]).toEqual([413, { detail: `Body is larger than ${LARGEST} bytes` }])
    const fits = await fetch(`${nginx.url}/po/`, { method: 'POST', body: Buffer.alloc(LARGEST) })
    expect(await fits.json()).toMatchObject({ size: LARGEST })
    const socket = connect(nginx.port, '127.0.0.1').end('GET /po/status\x01 HTTP/1.1\r\n\r\n')
    expect(await text(socket)).toMatch(/^HTTP\/1.1 400 [\s\S]*\r\n\r\n\{"detail":"Malformed request"\}$/)
  })

  test.each([
    ['a method that nginx refuses itself', 'TRACE /po/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', 405],
    ['an unknown coding of the body', 'POST /po/ HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n', 501],
    ['an unknown version', 'GET /po/status HTTP/3.7\r\nHost: x\r\n\r\n', 505],
    ['a header above the limit', `GET /po/status HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
    [
      'headers above the limit together',
      `GET /po/ HTTP/1.1\r\nHost: x\r\n${`X: ${'x'.repeat(30_000)}\r\n`.repeat(6)}\r\n`,
      431,
    ],
  ])('%s is refused in JSON', async (_, request, status) => {
    const answer = await text(connect(nginx.port, '127.0.0.1').end(request))
    expect(answer).toMatch(
      new RegExp(`^HTTP/1\\.1 ${status} [\\s\\S]*application/json[\\s\\S]*\\r\\n\\r\\n\\{"detail":"[^"]+"\\}$`),
    )
  })

  test.each([8300, 15_000, 31_000])('a token of %i characters reaches its function', async (length) => {
    handler = (incoming, response) => response.end(String(incoming.headers.authorization?.length))
    const answer = await fetch(`${nginx.url}/po/status`, { headers: { authorization: 'x'.repeat(length) } })
    expect([answer.status, await answer.text()]).toEqual([200, String(length)])
  })

  test('headers of an answer pass up to 15 KiB', async () => {
    handler = (_, response) => response.writeHead(200, { 'content-disposition': 'x'.repeat(15_000) }).end()
    const answer = await fetch(`${nginx.url}/po/status`)
    expect([answer.status, answer.headers.get('content-disposition')?.length]).toEqual([200, 15_000])
  })

  test('an answer commands nothing: X-Accel headers neither redirect nor reach the caller', async () => {
    const headers = { 'x-accel-redirect': '/healthz', 'x-accel-limit-rate': '1', 'x-accel-buffering': 'yes' }
    handler = (_, response) => response.writeHead(200, headers).end('own')
    const answer = await fetch(`${nginx.url}/po/status`)
    expect([answer.status, await answer.text()]).toEqual([200, 'own'])
    expect([...answer.headers.keys()].filter((name) => name.startsWith('x-accel'))).toEqual([])
  })

  test('callers who send headers and never end them do not fill its memory', async () => {
    const limit = memoryLimit('knative/config/base/gateway/deployment.yaml')
    const held = await sendHalf(nginx.port, GATEWAY_CONNECTIONS)
    const memory = memoryOf(nginx.pid)
    held.close()
    expect(memory).toBeGreaterThan(headerMemory(GATEWAY_CONNECTIONS) / 2)
    expect(memory).toBeLessThan(0.8 * limit)
  }, 60_000)

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

  test('aborts the request to the function when the caller disconnects, and never repeats a request', async () => {
    const closed = Promise.withResolvers<void>()
    const arrived = Promise.withResolvers<void>()
    handler = (_, response) => {
      response.on('close', closed.resolve)
      arrived.resolve()
    }
    const controller = new AbortController()
    const answer = fetch(`${nginx.url}/po/status`, { signal: controller.signal }).catch(() => 'aborted')
    await arrived.promise
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
    const statusOf = async () => (await fetch(`${nginx.url}/po/pods`)).status
    await expect.poll(statusOf, FORGETTING).toBe(502)
    const away = await fetch(`${nginx.url}/po/pods`)
    expect([away.status, await away.json()]).toEqual([502, { detail: 'The function does not answer' }])
    expect((await fetch(`${nginx.url}/po/status`)).status).toBe(200)
    dns.records.set(name(routes.po.pods), '127.0.0.1')
    await expect.poll(statusOf, FORGETTING).toBe(200)
  })

  test('passes errors of a function on as they are', async () => {
    handler = (_, response) => response.writeHead(502, { 'content-type': 'application/json' }).end('{"detail":"own"}')
    const answer = await fetch(`${nginx.url}/po/status`)
    expect([answer.status, await answer.text()]).toEqual([502, '{"detail":"own"}'])
  })

  test('about to end, it answers as before, and has every caller come back on another connection', async () => {
    const ending = await startNginx({ resolver: dns.address, suffix: SUFFIX, port: portOf(upstream) })
    const large = Buffer.alloc(LARGEST + 1)
    const asks: readonly [string, string, Buffer?][] = [
      ['GET', '/po/status'],
      ['POST', '/po/', Buffer.alloc(100_000)],
      ['POST', '/po/', large],
      ['GET', '/nothing'],
      ['GET', '/po/stop'],
      ['GET', `/po/status?${'x'.repeat(40_000)}`],
    ]
    const agent = new Agent({ keepAlive: true })
    const ask = async ([method, path, body]: (typeof asks)[number]) => {
      const outgoing = request(`${ending.url}${path}`, { method, agent, headers: { 'x-request-id': 'r' } }).end(body)
      const [answer] = await once(outgoing, 'response')
      return { status: answer.statusCode, text: await text(answer), connection: answer.headers.connection }
    }
    const answers = async () => {
      const all = []
      for (const each of asks) all.push(await ask(each))
      return all
    }
    const before = await answers()
    expect(before.map(({ status }) => status)).toEqual([200, 200, 413, 404, 405, 414])
    expect(before[0]?.connection).toBe('keep-alive')
    ending.announceEnd()
    expect(await answers()).toEqual(before.map((answer) => ({ ...answer, connection: 'close' })))
    agent.destroy()
    await ending.stop()
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
    const linesOf = () =>
      nginx
        .log()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    await expect.poll(() => linesOf().some(({ logger }) => logger === 'dead-letter'), FORGETTING).toBe(true)
    const lines = linesOf()
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
