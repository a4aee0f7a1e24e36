/**
 * What an egress proxy owes a run, whatever it is made of: nginx with the rendered nginx.conf, and the sandbox's proxy.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RunNumber } from '../../shared/po/model.ts'
import type { LocationInput, UpstreamName, Upstreams } from '../../shared/po/objects/locations.ts'
import { type DnsStub, startDns } from './dns.ts'
import { type Echo, FIRST_DROP, LARGE_HEADER, type Seen, startEcho } from './echo.ts'
import { FORBIDDEN, ID, MALFORMED, PROJECT, REACHED } from './proxy-paths.ts'

export interface ProxySetup extends LocationInput {
  readonly upstreams: Upstreams
  /** Address and port of the DNS server; an answer may be used for one second. */
  readonly resolver: string
}

export interface ProxyUnderTest {
  readonly url: string
  /** Of the process whose memory, with that of its children, is watched. */
  readonly pid: number
  close(): Promise<void>
}

const RUN = `analysis-${ID}-3`

/** A name and a loopback address for each upstream, and an address that a name may move to. */
const ADDRESSES = {
  kong: '127.0.0.11',
  storage: '127.0.0.12',
  adapter: '127.0.0.13',
  broker: '127.0.0.14',
  orchestrator: '127.0.0.15',
  analysis: '127.0.0.16',
} as const satisfies Record<UpstreamName, string>
const MOVED = '127.0.0.17'
const NAMES = Object.keys(ADDRESSES) as UpstreamName[]
const hostOf = (upstream: UpstreamName): string => `${upstream}.ns.svc.cluster.test`

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

interface Call {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: Iterable<Buffer> | AsyncIterable<Buffer>
}

/** Sends the path as it is: `fetch` would tidy it up. */
async function open(url: string, path: string, { method = 'GET', headers = {}, body }: Call = {}) {
  const { hostname, port } = new URL(url)
  const request = http.request({ hostname, port, path, method, headers, agent: false, maxHeaderSize: 64 * 1024 })
  const answered = once(request, 'response') as Promise<[IncomingMessage]>
  answered.catch(() => {})
  for await (const chunk of body ?? []) if (!request.write(chunk)) await once(request, 'drain')
  request.end()
  const [response] = await answered
  return response
}

async function call(url: string, path: string, options?: Call): Promise<Answer> {
  const response = await open(url, path, options)
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) }
}

async function ask(url: string, path: string, options?: Call): Promise<Seen> {
  const answer = await call(url, path, options)
  expect(answer.status, answer.body).toBe(200)
  return JSON.parse(answer.body) as Seen
}

/** Largest memory a process and its children have had so far, in MiB. */
function peakMemory(pid: number): number {
  const proc = (file: string) => readFileSync(`/proc/${pid}/${file}`, 'utf8')
  const own = Number(/VmHWM:\s+(\d+) kB/.exec(proc('status'))?.[1] ?? 0) / 1024
  const children = proc(`task/${pid}/children`).split(' ').filter(Boolean).map(Number)
  return children.reduce((sum, child) => sum + peakMemory(child), own)
}

const MIB = 1024 * 1024
function* zeros(mebibytes: number): Generator<Buffer> {
  const chunk = Buffer.alloc(MIB)
  for (let sent = 0; sent < mebibytes; sent += 1) yield chunk
}

export function proxyConformance(name: string, start: (setup: ProxySetup) => Promise<ProxyUnderTest>): void {
  describe(`${name} as egress proxy`, () => {
    let dns: DnsStub
    let echo: Echo
    let proxy: ProxyUnderTest
    const location = { id: ID, run: 3 as RunNumber, projectId: PROJECT }
    const begun: ProxyUnderTest[] = []

    const begin = async (upstreams: Upstreams): Promise<ProxyUnderTest> => {
      const started = await start({ ...location, upstreams, resolver: dns.address })
      begun.push(started)
      return started
    }

    beforeAll(async () => {
      dns = await startDns(Object.fromEntries(NAMES.map((upstream) => [hostOf(upstream), ADDRESSES[upstream]])))
      echo = await startEcho([...Object.values(ADDRESSES), MOVED])
      const at = (upstream: UpstreamName) => ({ host: hostOf(upstream), port: echo.port })
      proxy = await begin(Object.fromEntries(NAMES.map((upstream) => [upstream, at(upstream)])))
    })
    afterAll(async () => {
      await Promise.all(begun.map((started) => started.close()))
      await echo?.close()
      dns?.close()
    })

    test('answers its own health', async () => {
      expect(await call(proxy.url, '/healthz')).toMatchObject({ status: 200, body: 'healthy' })
    })

    test.each(REACHED)('%s reaches %s as %s', async (path, upstream, url) => {
      expect(await ask(proxy.url, path)).toMatchObject({ address: ADDRESSES[upstream], url, method: 'GET' })
    })

    test.each(FORBIDDEN)('%s is forbidden', async (path) => {
      expect((await call(proxy.url, path)).status).toBe(403)
    })

    test.each(MALFORMED)('%s is malformed', async (path) => {
      expect((await call(proxy.url, path)).status).toBe(400)
    })

    test('a forbidden path stays forbidden for every method and with a body', async () => {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'])
        expect((await call(proxy.url, '/po/status', { method })).status).toBe(403)
      expect((await call(proxy.url, '/po/', { method: 'POST', body: [Buffer.from('{}')] })).status).toBe(403)
    })

    test('tells the upstream who asks, and passes the rest on', async () => {
      const { headers } = await ask(proxy.url, '/storage/local/x', {
        headers: {
          host: `nginx-${RUN}:8080`,
          authorization: 'Bearer t',
          apikey: 'k',
          'x-forwarded-for': '192.0.2.1',
          'x-forwarded-proto': 'https',
          'x-real-ip': '192.0.2.1',
        },
      })
      expect(headers).toMatchObject({
        authorization: ['Bearer t'],
        apikey: ['k'],
        'x-forwarded-for': ['192.0.2.1, 127.0.0.1'],
        'x-forwarded-proto': ['http'],
        'x-real-ip': ['127.0.0.1'],
      })
    })

    test.each([
      ['kong', '/kong/source'],
      ['storage', '/storage/local/x'],
      ['orchestrator', '/po/stream_logs'],
      ['analysis', '/analysis/healthz'],
    ] as const)('%s is asked by its own name, whatever host the client claims', async (upstream, path) => {
      const own = `${hostOf(upstream)}:${echo.port}`
      const forged = {
        host: 'admin.kong.internal',
        forwarded: 'host=admin.kong.internal',
        'x-forwarded-host': 'admin.kong.internal',
        'x-forwarded-port': '8001',
        'x-forwarded-prefix': '/admin',
      }
      for (const form of [path, `http://admin.kong.internal${path}`]) {
        const { headers } = await ask(proxy.url, form, { headers: forged })
        expect(headers['host']).toEqual([own])
        expect(JSON.stringify(headers)).not.toMatch(/admin|8001/)
      }
    })

    test('an answer commands nothing: X-Accel headers neither redirect, slow down nor reach the caller', async () => {
      const began = performance.now()
      const { status, headers, body } = await call(proxy.url, '/analysis/accel')
      expect(status).toBe(200)
      expect(JSON.parse(body)).toMatchObject({ address: ADDRESSES.analysis, url: '/accel' })
      expect(Object.keys(headers).filter((header) => header.startsWith('x-accel'))).toEqual([])
      expect(headers['content-type']).toBe('application/json')
      expect(performance.now() - began).toBeLessThan(3000)
    })

    test.each([
      ['a query of 31,000 characters', `/kong/Patient?_id=${'x'.repeat(31_000)}`, {}],
      ['a token of 31,000 characters', '/kong/x', { authorization: `Bearer ${'x'.repeat(31_000)}` }],
      ['both, of 15,000', `/kong/x?${'x'.repeat(15_000)}`, { authorization: `Bearer ${'x'.repeat(15_000)}` }],
    ])('%s passes', async (_, path, headers) => {
      const seen = await ask(proxy.url, path, { headers })
      expect(seen.url).toBe(path.slice('/kong'.length))
      expect(seen.headers).toMatchObject(Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, [v]])))
    })

    test.each([
      ['a query of 40,000 characters', 414, `/kong/x?${'x'.repeat(40_000)}`, {}],
      ['a header of 40,000 characters', 431, '/kong/x', { authorization: 'x'.repeat(40_000) }],
    ])('%s is a %i in JSON that names the limit', async (_, status, path, headers) => {
      const answer = await call(proxy.url, path, { headers })
      expect([answer.status, answer.headers['content-type']]).toEqual([status, 'application/json'])
      expect(JSON.parse(answer.body)).toEqual({ detail: expect.stringContaining('32768') })
    })

    test('what is no HTTP, and a path that leaves the root, are refused in JSON', async () => {
      const { status, headers, body } = await call(proxy.url, '/../x')
      expect([status, headers['content-type']]).toEqual([400, 'application/json'])
      expect(JSON.parse(body)).toEqual({ detail: expect.any(String) })
    })

    test('headers of an answer pass up to 30 KiB', async () => {
      const { status, headers } = await call(proxy.url, '/kong/headers')
      expect([status, headers['x-large']?.length]).toEqual([200, LARGE_HEADER])
    })

    test('names the run on stream_logs, whatever the client claims', async () => {
      for (const claimed of [[], ['analysis-x-1'], ['analysis-x-1', 'analysis-x-2']]) {
        const { headers } = await ask(proxy.url, '/po/stream_logs', {
          method: 'POST',
          headers: { 'x-FLAME-run': claimed },
        })
        expect(headers['x-flame-run']).toEqual([RUN])
      }
    })

    test('lets nobody claim a run elsewhere', async () => {
      const { headers } = await ask(proxy.url, '/analysis/webhook', { headers: { 'X-Flame-Run': 'analysis-x-1' } })
      expect(headers).not.toHaveProperty('x-flame-run')
    })

    test('a line break in a path makes no header', async () => {
      expect((await ask(proxy.url, '/kong/a%0D%0AX-Evil:%201')).headers).not.toHaveProperty('x-evil')
    })

    test.each(['POST', 'PUT', 'DELETE'])('%s bodies pass, of known and of unknown length', async (method) => {
      const body = [Buffer.from('{"a":'), Buffer.from('1}')]
      const known = await ask(proxy.url, '/storage/final/', { method, headers: { 'content-length': 7 }, body })
      expect(known).toMatchObject({ method, bytes: 7 })
      const chunked = { method, headers: { 'transfer-encoding': 'chunked' }, body }
      expect(await ask(proxy.url, '/storage/final/', chunked)).toMatchObject({ method, bytes: 7 })
    })

    test('answers come back as they are', async () => {
      const { status, headers } = await call(proxy.url, '/storage/final/odd')
      expect(status).toBe(307)
      expect(headers).toMatchObject({
        location: 'http://elsewhere:81/final/x',
        'set-cookie': ['a=1', 'b=2'],
        'x-own': 'kept',
      })
    })

    test('an answer streams: its beginning arrives before its end exists', async () => {
      const response = await open(proxy.url, '/kong/drip')
      const [first] = (await once(response, 'data')) as [Buffer]
      expect(first.toString()).toBe(FIRST_DROP)
      echo.release()
      expect(await text(response)).toBe('two')
    })

    test('a slow reader slows the upstream: nothing piles up in between', async () => {
      const response = await open(proxy.url, '/kong/flood')
      await sleep(1000)
      expect(echo.flooded()).toBeGreaterThan(0)
      expect(echo.flooded()).toBeLessThan(64)
      response.destroy()
    })

    test('an upload streams: its beginning arrives before its end is sent', async () => {
      const { hostname, port } = new URL(proxy.url)
      const request = http.request({ hostname, port, path: '/storage/final/early', method: 'PUT', agent: false })
      request.on('error', () => {})
      request.write('begun')
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      const [first] = (await once(response, 'data')) as [Buffer]
      expect(first.toString()).toBe('begun')
      request.destroy()
    })

    test('follows a name to its new address', async () => {
      expect((await ask(proxy.url, '/message-broker/healthz')).address).toBe(ADDRESSES.broker)
      dns.records.set(hostOf('broker'), MOVED)
      await expect
        .poll(async () => (await ask(proxy.url, '/message-broker/healthz')).address, { timeout: 8000, interval: 200 })
        .toBe(MOVED)
    })

    test('a name that does not resolve, or an upstream that is down, is a 502 and harms nothing else', async () => {
      const closed = await startEcho(['127.0.0.18'])
      await closed.close()
      dns.records.set('down.test', '127.0.0.18')
      const lame = await begin({
        storage: { host: 'nowhere.test', port: echo.port },
        adapter: { host: 'down.test', port: closed.port },
        kong: { host: hostOf('kong'), port: echo.port },
      })
      expect((await call(lame.url, '/storage/final/x')).status).toBe(502)
      expect((await call(lame.url, `/hub-adapter/kong/datastore/${PROJECT}`)).status).toBe(502)
      expect((await call(lame.url, '/healthz')).status).toBe(200)
      expect((await ask(lame.url, '/kong/x')).address).toBe(ADDRESSES.kong)
      dns.records.set('nowhere.test', ADDRESSES.storage)
      await expect
        .poll(async () => (await call(lame.url, '/storage/final/x')).status, { timeout: 8000, interval: 200 })
        .toBe(200)
    })

    test('an upstream that the node does not have is a 503 that names it', async () => {
      const poor = await begin({ storage: { host: hostOf('storage'), port: echo.port } })
      expect(await call(poor.url, '/kong/source')).toMatchObject({
        status: 503,
        body: '{"detail":"kong is not available to this analysis"}',
      })
      expect((await call(poor.url, '/kongfoo')).status).toBe(403)
    })

    test('1 GiB of unknown length streams through in constant memory', async () => {
      await sleep(100)
      const before = peakMemory(proxy.pid)
      const { bytes } = await ask(proxy.url, '/storage/final/', { method: 'PUT', body: zeros(1024) })
      expect(bytes).toBe(1024 * MIB)
      expect(peakMemory(proxy.pid) - before).toBeLessThan(128)
    }, 90_000)
  })
}
