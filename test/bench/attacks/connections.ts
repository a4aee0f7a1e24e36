/** Requests of an attacker: many at once, stalled in the middle, or a few bytes at a time. */
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Ask } from '../load.ts'

/** The status, or 0 for a connection that ended without a response, and the number of bytes of the body. */
export interface Outcome {
  readonly status: number
  readonly bytes: number
}

const agent = new Agent({ keepAlive: false })

/** Reads the response and discards it. */
export function outcomeOf(url: string, { method, path, headers, body }: Ask): Promise<Outcome> {
  return new Promise((resolve) => {
    const content = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
    let status = 0
    let bytes = 0
    const done = () => resolve({ status, bytes })
    const sent = request(`${url}${path}`, { method, agent, headers: { ...headers, ...content } }, (response) => {
      status = response.statusCode ?? 0
      response.on('data', (piece: Buffer) => {
        bytes += piece.length
      })
      response.on('close', done)
    })
    sent.on('error', done).end(body)
  })
}

/** @throws if the request is not answered */
export async function answered(url: string, ask: Ask): Promise<void> {
  const { status } = await outcomeOf(url, ask)
  if (status !== 200) throw new Error(`${ask.method} was answered with ${status}`)
}

/** Sends requests in order, `atOnce` at a time. */
export async function each(count: number, atOnce: number, ask: (nth: number) => Promise<Outcome>): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  let next = 0
  const client = async () => {
    while (next < count) outcomes.push(await ask(next++))
  }
  await Promise.all(Array.from({ length: atOnce }, client))
  return outcomes
}

const head = ({ method, path, headers }: Ask): string =>
  `${method} ${path} HTTP/1.1\r\n${Object.entries({ host: 'function', ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`

/** Opens a connection and sends the text; the other side may close it at any time. */
function open(url: string, first: string | Buffer): Socket {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  socket.resume()
  socket.write(first)
  return socket
}

/** @param ask its body is sent without the last 1,000 bytes of its content length */
export async function silence(url: string, ask: Ask, connections: number, seconds: number): Promise<void> {
  const length = Number(ask.headers['content-length'])
  const begun = Buffer.concat([Buffer.from(head(ask)), Buffer.alloc(length - 1000, ' ')])
  const sockets = Array.from({ length: connections }, () => open(url, begun))
  await delay(seconds * 1000)
  for (const socket of sockets) socket.destroy()
}

/** Sends the first bytes on each connection, then one byte a second. */
export async function trickle(url: string, ask: Ask, first: string, connections: number, seconds: number) {
  const sockets = Array.from({ length: connections }, () => open(url, head(ask) + first))
  for (let second = 0; second < seconds; second += 1) {
    await delay(1000)
    for (const socket of sockets) if (socket.writable) socket.write('x')
  }
  for (const socket of sockets) socket.destroy()
}
