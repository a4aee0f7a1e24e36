/**
 * The sandbox's egress proxy of a run: serves the same location table as the nginx.conf of a cluster and passes the same
 * suite. As a process of its own it takes its options as JSON in `PROXY_OPTIONS` and prints the URL it listens at.
 */
import dns from 'node:dns/promises'
import { once } from 'node:events'
import http, { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
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
import { HEADER_LINE_LIMIT, PROBLEMS } from '../../shared/po/objects/nginx-http.ts'
import { answer, forward, refuse } from './forward.ts'
import { escapePath, normalisePath } from './proxy-path.ts'

export interface ProxyOptions extends LocationInput {
  readonly upstreams: Upstreams
  readonly port?: number
  /** DNS servers that know the upstreams; the system's if absent. */
  readonly resolvers?: readonly string[]
}

export interface RunningProxy {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

type Resolve = (host: string) => Promise<string>

/** Headers by which a client would name another host or path than it is given. */
const UNTRUSTED = ['forwarded', 'x-forwarded-host', 'x-forwarded-port', 'x-forwarded-path', 'x-forwarded-prefix']

function ownHeaders(request: IncomingMessage, location: Location, upstream: Upstream): OutgoingHttpHeaders {
  const client = request.socket.remoteAddress ?? ''
  const { 'x-forwarded-for': earlier = [] } = request.headersDistinct
  return {
    ...Object.fromEntries(UNTRUSTED.map((name) => [name, undefined])),
    host: upstream.port === 80 ? upstream.host : `${upstream.host}:${upstream.port}`,
    'x-real-ip': client,
    'x-forwarded-for': [...earlier, client].join(', '),
    'x-forwarded-proto': 'http',
    [RUN_HEADER.toLowerCase()]: location.run,
  }
}

/** As nginx: a bound on the request line and on each header. */
function refusal({ url = '', rawHeaders }: IncomingMessage): readonly [status: number, detail: string] | undefined {
  const problem = (status: number) => [status, PROBLEMS.find(([, each]) => each === status)?.[2] ?? ''] as const
  if (url.length > HEADER_LINE_LIMIT) return problem(414)
  if (rawHeaders.some((text) => text.length > HEADER_LINE_LIMIT)) return problem(431)
  return undefined
}

async function serve(
  { upstreams }: ProxyOptions,
  locations: readonly Location[],
  resolve: Resolve,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const refused = refusal(request)
  if (refused) return answer(response, refused[0], JSON.stringify({ detail: refused[1] }))
  const [rawPath = '/', ...query] = (request.url ?? '/').split('?')
  const path = normalisePath(rawPath.replace(/^https?:\/\/[^/]*/i, ''))
  if (path === undefined) return refuse(response, 400)
  if (path === HEALTH_PATH) return answer(response, 200, 'healthy', 'text/plain')
  const location = locations.find((candidate) => covers(candidate, path))
  if (!location) return refuse(response, 403)
  const upstream = upstreams[location.upstream]
  if (!upstream) return answer(response, 503, absence(location.upstream))
  await forward(request, response, {
    host: await resolve(upstream.host),
    port: upstream.port,
    path: [escapePath(upstreamPath(location, path)), ...query].join('?'),
    headers: ownHeaders(request, location, upstream),
    ...location.timeouts,
  })
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
  const server = http.createServer({ requestTimeout: 0, maxHeaderSize: 4 * HEADER_LINE_LIMIT }, (request, response) => {
    request.on('error', () => response.destroy())
    serve(options, locations, resolve, request, response).catch(() => refuse(response, 502))
  })
  server.listen(options.port ?? 0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
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
