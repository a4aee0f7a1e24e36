/**
 * All analyses with their proxies as one process: a server on every loopback address, where the address identifies the
 * analysis (`cluster-network.mjs`). On request the first ones hang: they accept connections and requests and never answer.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveApart } from './apart.ts'

export interface Question {
  /** Analyses with numbers up to this one hang from now on. */
  readonly hang: number
}

export interface Heard {
  /** When each analysis first answered a health check since the last question, by its number. */
  readonly polls: ReadonlyMap<number, number>
  /** Requests with the status of partners. */
  readonly told: number
}

const HEALTH = JSON.stringify({ status: 'executing', token_remaining_time: 86_400 })
/** The keep-alive timeout of nginx. */
const KEEP_ALIVE_MS = 75_000

let hang = 0
let polls = new Map<number, number>()
let told = 0

const wallClock = (): number => performance.timeOrigin + performance.now()

/** The number of the analysis at an address: `::ffff:127.1.0.7` is 7. */
function numberOf({ socket }: IncomingMessage): number {
  const [, a = 0, b = 0, c = 0] = (socket.localAddress ?? '').replace('::ffff:', '').split('.').map(Number)
  return ((a - 1) << 16) | (b << 8) | c
}

function answer(request: IncomingMessage, response: ServerResponse, analysis: number): void {
  response.setHeader('content-type', 'application/json')
  if (request.url === '/analysis/healthz') {
    response.end(HEALTH, () => {
      if (!polls.has(analysis)) polls.set(analysis, wallClock())
    })
    return
  }
  if (request.url === '/analysis/partner_status') told += 1
  response.end('{}')
}

const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
  const analysis = numberOf(request)
  request.resume()
  if (analysis > hang) request.on('end', () => answer(request, response, analysis))
})
server.listen({ port: 0, host: '0.0.0.0', backlog: 4096 })
await once(server, 'listening')

serveApart<Question, Heard>((server.address() as AddressInfo).port, (question) => {
  const heard = { polls, told }
  polls = new Map()
  told = 0
  hang = question.hang
  return heard
})
