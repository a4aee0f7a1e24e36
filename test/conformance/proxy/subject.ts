import { once } from 'node:events'
import http, { type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import { expect } from 'vitest'
import type { UpstreamName, Upstreams } from '../../../shared/po/objects/locations.ts'
import type { DnsStub } from '../dns.ts'
import type { Echo, Seen } from '../echo.ts'
import type { ProxyUnderTest } from '../proxy.ts'
import { ID } from '../proxy-paths.ts'

export const RUN = `analysis-${ID}-3`

/** A name and a loopback address for each upstream, and an address that a name may move to. */
export const ADDRESSES = {
  kong: '127.0.0.11',
  storage: '127.0.0.12',
  adapter: '127.0.0.13',
  broker: '127.0.0.14',
  orchestrator: '127.0.0.15',
  analysis: '127.0.0.16',
} as const satisfies Record<UpstreamName, string>

export const MOVED = '127.0.0.17'

export const NAMES = Object.keys(ADDRESSES) as UpstreamName[]

export const hostOf = (upstream: UpstreamName): string => `${upstream}.ns.svc.cluster.test`

/** The proxy under test, in front of echoing upstreams with names in DNS. */
export interface ProxySubject {
  readonly proxy: ProxyUnderTest
  readonly echo: Echo
  readonly dns: DnsStub
  /** Another proxy before these upstreams. */
  readonly begin: (upstreams: Upstreams) => Promise<ProxyUnderTest>
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Call {
  readonly method?: string
  readonly headers?: OutgoingHttpHeaders
  readonly body?: Iterable<Buffer> | AsyncIterable<Buffer>
}

/** Sends the path unchanged: `fetch` would normalize it. */
export async function open(url: string, path: string, { method = 'GET', headers = {}, body }: Call = {}) {
  const { hostname, port } = new URL(url)
  const request = http.request({ hostname, port, path, method, headers, agent: false, maxHeaderSize: 64 * 1024 })
  const answered = once(request, 'response') as Promise<[IncomingMessage]>
  answered.catch(() => {})
  for await (const chunk of body ?? []) if (!request.write(chunk)) await once(request, 'drain')
  request.end()
  const [response] = await answered
  return response
}

export async function call(url: string, path: string, options?: Call): Promise<Answer> {
  const response = await open(url, path, options)
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) }
}

export async function ask(url: string, path: string, options?: Call): Promise<Seen> {
  const answer = await call(url, path, options)
  expect(answer.status, answer.body).toBe(200)
  return JSON.parse(answer.body) as Seen
}
