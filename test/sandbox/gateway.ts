/**
 * The gateway of a bare machine: one port in front of all functions, made from the route table as the cluster's is. It
 * streams both ways, keeps nothing, limits no body and repeats no request.
 */
import { once } from 'node:events'
import { Agent, createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { createMatcher } from '../../shared/http/match.ts'
import { HEADERS_LIMIT } from '../../shared/http/server.ts'
import { allRoutes, prefixOf, type Route } from '../../shared/routes/index.ts'
import { SETTINGS } from '../../shared/settings/config.ts'

export interface GatewayOptions {
  /** 0: any free port. */
  readonly port: number
  /** Base URL of the function of a route; undefined when it is not served. */
  readonly upstreams: (route: Route) => string | undefined
  readonly routes?: readonly Route[]
  /** Of the digital-twin API, in the paths that it answers. */
  readonly version?: string
  readonly host?: string
}

export interface Gateway {
  readonly url: string
  readonly port: number
  stop(): Promise<void>
}

/** They concern one connection and not what is beyond it. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']

type Headers = IncomingMessage['headers']

function forwarded(headers: Headers): Headers {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase())
  return Object.fromEntries(Object.entries(headers).filter(([name]) => ![...HOP_BY_HOP, ...named].includes(name)))
}

function refuse(response: ServerResponse, status: number, detail: string, headers: Record<string, string> = {}): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify({ detail }))
}

interface Found {
  readonly route: Route | undefined
  readonly methods: readonly string[]
}

/** Which function answers; preflights go to the one that owns the path. */
function createTable(routes: readonly Route[], version: string): (method: string, path: string) => Found {
  const table = routes
    .filter(({ trigger }) => trigger === 'http')
    .map((route) => ({ route, find: createMatcher(route.endpoints, prefixOf(route, version)) }))
  return (method, path) => {
    const hits = table.map(({ route, find }) => ({ route, ...find(method, path) }))
    const owners = hits.filter(({ methods }) => methods.length > 0)
    const hit = owners.find(({ match }) => match) ?? (method === 'OPTIONS' ? owners[0] : undefined)
    return { route: hit?.route, methods: owners.flatMap(({ methods }) => methods) }
  }
}

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { port, upstreams, routes = allRoutes, version = SETTINGS.VERSION.default ?? '', host = '127.0.0.1' } = options
  const find = createTable(routes, version)
  const agent = new Agent({ keepAlive: true })

  const pass = (incoming: IncomingMessage, response: ServerResponse, upstream: string) => {
    const { method, url = '/', socket } = incoming
    const chunked = incoming.headers['transfer-encoding'] !== undefined
    const headers = {
      ...forwarded(incoming.headers),
      ...(chunked && { 'transfer-encoding': 'chunked' }),
      'x-forwarded-for': [incoming.headers['x-forwarded-for'], socket.remoteAddress].filter(Boolean).join(', '),
      'x-forwarded-proto': 'http',
    }
    const { hostname, port: upstreamPort } = new URL(upstream)
    const outgoing = request({ hostname, port: upstreamPort, method, path: url, headers, agent }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, forwarded(answer.headers))
      pipeline(answer, response).catch(() => response.destroy())
    })
    outgoing.on('error', () => refuse(response, 502, 'The function does not answer'))
    response.on('close', () => response.writableFinished || outgoing.destroy())
    incoming.pipe(outgoing)
  }

  const server = createServer({ maxHeaderSize: HEADERS_LIMIT }, (incoming, response) => {
    const path = (incoming.url ?? '/').split('?', 1)[0] ?? '/'
    const { route, methods } = find(incoming.method ?? '', path)
    const upstream = route && upstreams(route)
    if (methods.length === 0) refuse(response, 404, 'Not Found')
    else if (!route) refuse(response, 405, 'Method Not Allowed', { allow: [...methods, 'OPTIONS'].join(', ') })
    else if (!upstream) refuse(response, 503, 'The function is not there', { 'retry-after': '5' })
    else pass(incoming, response, upstream)
  })
  server.listen(port, host)
  await once(server, 'listening')
  const { port: actual } = server.address() as AddressInfo

  return {
    url: `http://${host}:${actual}`,
    port: actual,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      agent.destroy()
      await closed
    },
  }
}
