/**
 * The sandbox's egress proxy of a run: serves the same location table as the nginx.conf of a cluster and passes the same
 * suite. As a process of its own it takes its options as JSON in `PROXY_OPTIONS` and prints the URL it listens at.
 */
import dns from 'node:dns/promises'
import { once } from 'node:events'
import http, { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import {
  absence,
  covers,
  HEALTH_PATH,
  type Location,
  type LocationInput,
  proxyLocations,
  RUN_HEADER,
  type Upstream,
  type Upstreams,
  upstreamPath,
} from '../../shared/po/objects/locations.ts'
import { escapePath, normalisePath } from './proxy-path.ts'

export interface ProxyOptions extends LocationInput {
  readonly upstreams: Upstreams
  readonly port?: number
  readonly address?: string
  /** DNS servers that know the upstreams; the system's if absent. */
  readonly resolvers?: readonly string[]
}

export interface RunningProxy {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

type Resolve = (host: string) => Promise<string>

/** What belongs to one connection only, and what the proxy sets itself. */
const NOT_FORWARDED = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']

function forwardedHeaders(request: IncomingMessage, location: Location): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { ...request.headersDistinct }
  for (const name of [...NOT_FORWARDED, RUN_HEADER.toLowerCase()]) delete headers[name]
  const client = request.socket.remoteAddress ?? ''
  const { 'x-forwarded-for': earlier = [] } = request.headersDistinct
  return {
    ...headers,
    // A body of unknown length, whatever the method.
    ...('transfer-encoding' in request.headers ? { 'transfer-encoding': 'chunked' } : {}),
    host: request.headers.host?.replace(/:\d+$/, '') ?? '',
    'x-real-ip': client,
    'x-forwarded-for': [...earlier, client].join(', '),
    'x-forwarded-proto': 'http',
    ...(location.run ? { [RUN_HEADER]: location.run } : {}),
  }
}

function answer(response: ServerResponse, status: number, body: string, type = 'application/json'): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body)
}

function refuse(response: ServerResponse, status: number): void {
  answer(response, status, JSON.stringify({ detail: http.STATUS_CODES[status] }))
}

async function forward(
  { host, port }: Upstream,
  path: string,
  location: Location,
  request: IncomingMessage,
  response: ServerResponse,
  resolve: Resolve,
): Promise<void> {
  const { connectSeconds, transferSeconds } = location.timeouts
  const passed = http.request({
    host: await resolve(host),
    port,
    path,
    method: request.method,
    headers: forwardedHeaders(request, location),
    agent: false,
    timeout: connectSeconds * 1000,
  })
  passed.once('socket', (socket) => socket.once('connect', () => passed.setTimeout(transferSeconds * 1000)))
  passed.on('error', () => {}) // after the answer has begun; before, the two promises below tell
  passed.once('timeout', () => passed.destroy(new Error('the upstream is too slow')))
  response.once('close', () => passed.destroy())
  const sent = pipeline(request, passed).catch((error: unknown) => {
    // An upstream may answer before it has read everything, and hang up.
    if (!response.headersSent) throw error
  })
  const answered = once(passed, 'response').then(async ([incoming]: IncomingMessage[]) => {
    if (!incoming) return
    for (const name of NOT_FORWARDED) delete incoming.headersDistinct[name]
    response.writeHead(incoming.statusCode ?? 502, incoming.headersDistinct)
    response.flushHeaders()
    await pipeline(incoming, response)
  })
  await Promise.all([sent, answered])
}

async function serve(
  options: ProxyOptions,
  locations: readonly Location[],
  resolve: Resolve,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const [rawPath = '/', ...query] = (request.url ?? '/').split('?')
  const path = normalisePath(rawPath.replace(/^https?:\/\/[^/]*/i, ''))
  if (path === undefined) return refuse(response, 400)
  if (path === HEALTH_PATH) return answer(response, 200, 'healthy', 'text/plain')
  const location = locations.find((candidate) => covers(candidate, path))
  if (!location) return refuse(response, 403)
  const upstream = options.upstreams[location.upstream]
  if (!upstream) return answer(response, 503, absence(location.upstream))
  const target = [escapePath(upstreamPath(location, path)), ...query].join('?')
  await forward(upstream, target, location, request, response, resolve)
}

/** Asks for the name whenever a request needs it. */
function resolver(servers: readonly string[] | undefined): Resolve {
  if (!servers) return async (host) => (await dns.lookup(host, { family: 4 })).address
  const asked = new dns.Resolver({ timeout: 2000, tries: 2 })
  asked.setServers(servers)
  return async (host) => {
    const [first] = await asked.resolve4(host)
    if (!first) throw new Error(`${host} has no address`)
    return first
  }
}

export async function startProxy(options: ProxyOptions): Promise<RunningProxy> {
  const locations = proxyLocations(options)
  const resolve = resolver(options.resolvers)
  const server = http.createServer({ requestTimeout: 0 }, (request, response) => {
    request.on('error', () => response.destroy())
    serve(options, locations, resolve, request, response).catch(() => refuse(response, 502))
  })
  server.listen(options.port ?? 0, options.address ?? '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://${options.address ?? '127.0.0.1'}:${port}`,
    port,
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

if (import.meta.main) {
  const proxy = await startProxy(JSON.parse(process.env['PROXY_OPTIONS'] ?? '{}') as ProxyOptions)
  console.log(proxy.url)
  process.once('SIGTERM', () => process.exit(0))
}
