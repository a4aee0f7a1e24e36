/**
 * Stand-ins for the services of a node that analyses use: message broker, storage service, hub adapter and kong, each on its own
 * port, by default on loopback. They identify an analysis by the client (`azp`) of its token, like the real ones, but do not
 * verify the signature.
 *
 * Unlike the real one, storage shows results without a token: `GET /results/{analysis id}` and `…/{result id}`.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { adapterRoutes } from './peers/adapter.ts'
import { brokerRoutes, type Subscription } from './peers/broker.ts'
import { kongRoutes } from './peers/kong.ts'
import { clientOf, type PeerAnswer, type PeerRoute } from './peers/route.ts'
import { type StoredResult, storageRoutes } from './peers/storage.ts'

export const SANDBOX_PEERS = ['broker', 'storage', 'adapter', 'kong'] as const
export type SandboxPeer = (typeof SANDBOX_PEERS)[number]

export interface PeersOptions {
  /** Key that kong asks for. */
  readonly kongToken?: string
  /** Files of the one data source; the sandbox's patients if absent. */
  readonly files?: Readonly<Record<string, string | Buffer>>
  /** 0, the default, is any free port. */
  readonly ports?: Readonly<Partial<Record<SandboxPeer, number>>>
  readonly host?: string
}

export interface PeerRequest {
  readonly peer: SandboxPeer
  readonly method: string
  readonly url: string
  /** Client of the bearer token; null without one. */
  readonly client: string | null
  readonly status: number
}

export interface Peers {
  readonly ports: Readonly<Record<SandboxPeer, number>>
  /** The last requests, oldest first. */
  readonly requests: readonly PeerRequest[]
  results(analysisId: string): readonly StoredResult[]
  subscriptions(analysisId: string): readonly Subscription[]
  close(): Promise<void>
}

export const KONG_TOKEN = 'sandbox-kong-token'
const REMEMBERED_REQUESTS = 1000

const patients = () => ({ 'patients.csv': readFileSync(new URL('data/patients.csv', import.meta.url)) })

function send(response: ServerResponse, { status = 200, body, type }: PeerAnswer): void {
  const raw = typeof body === 'string' || Buffer.isBuffer(body)
  const content = raw ? body : body === undefined ? '' : JSON.stringify(body)
  response.writeHead(status, { 'content-type': type ?? (raw ? 'application/octet-stream' : 'application/json') })
  response.end(content)
}

async function answer(routes: readonly PeerRoute[], request: IncomingMessage): Promise<PeerAnswer> {
  const url = new URL(request.url ?? '/', 'http://peer')
  for (const [method, pattern, handle] of routes) {
    const found = request.method === method && pattern.exec(url.pathname)
    if (found)
      return handle({ request, url, params: found.slice(1).map(decodeURIComponent), client: clientOf(request) })
  }
  return { status: 404, body: { detail: 'Not Found' } }
}

async function listen(
  host: string,
  port: number,
  handler: http.RequestListener,
): Promise<{ server: Server; port: number }> {
  const server = http.createServer(handler).listen(port, host)
  await once(server, 'listening')
  return { server, port: (server.address() as AddressInfo).port }
}

export async function startPeers(options: PeersOptions = {}): Promise<Peers> {
  const { kongToken = KONG_TOKEN, files = patients(), ports = {}, host = '127.0.0.1' } = options
  const results: StoredResult[] = []
  const subscriptions: Subscription[] = []
  const requests: PeerRequest[] = []
  const routes: Readonly<Record<SandboxPeer, readonly PeerRoute[]>> = {
    broker: brokerRoutes(subscriptions),
    storage: storageRoutes(results),
    adapter: adapterRoutes(),
    kong: kongRoutes(kongToken, new Map(Object.entries(files).map(([name, content]) => [name, Buffer.from(content)]))),
  }

  const handler =
    (peer: SandboxPeer): http.RequestListener =>
    async (request, response) => {
      const reply = await answer(routes[peer], request).catch((): PeerAnswer => ({ status: 400 }))
      const { method = '', url = '' } = request
      requests.push({ peer, method, url, client: clientOf(request), status: reply.status ?? 200 })
      if (requests.length > REMEMBERED_REQUESTS) requests.shift()
      send(response, reply)
    }

  const [broker, storage, adapter, kong] = await Promise.all([
    listen(host, ports.broker ?? 0, handler('broker')),
    listen(host, ports.storage ?? 0, handler('storage')),
    listen(host, ports.adapter ?? 0, handler('adapter')),
    listen(host, ports.kong ?? 0, handler('kong')),
  ])
  return {
    ports: { broker: broker.port, storage: storage.port, adapter: adapter.port, kong: kong.port },
    requests,
    results: (analysisId) => results.filter((result) => result.analysisId === analysisId),
    subscriptions: (analysisId) => subscriptions.filter((subscription) => subscription.analysisId === analysisId),
    close: async () => {
      for (const { server } of [broker, storage, adapter, kong]) {
        server.close()
        server.closeAllConnections()
      }
    },
  }
}
