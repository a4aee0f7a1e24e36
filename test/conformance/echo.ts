/** Upstreams of a proxy under test: one port on several loopback addresses, each echoing its requests. */
import { once } from 'node:events'
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** What an upstream saw of a request. */
export interface Seen {
  readonly address: string
  readonly method: string
  readonly url: string
  readonly headers: NodeJS.Dict<string[]>
  readonly bytes: number
}

export interface Echo {
  readonly port: number
  /** Lets `/drip` end. */
  release(): void
  /** MiB of `/flood` that were taken so far. */
  flooded(): number
  close(): Promise<void>
}

export const FIRST_DROP = 'one'
/** Characters of the header that `/headers` answers with. */
export const LARGE_HEADER = 30_000

/** Headers by which an upstream could control nginx. */
const ACCEL = {
  'x-accel-redirect': '/storage/final/secret',
  'x-accel-limit-rate': '10',
  'x-accel-buffering': 'yes',
  'x-accel-expires': '60',
  'x-accel-charset': 'utf-7',
}

async function countBytes(request: IncomingMessage): Promise<number> {
  let bytes = 0
  for await (const chunk of request) bytes += (chunk as Buffer).length
  return bytes
}

/** Far more than a proxy should buffer for a client that does not read. */
const FLOOD_MIB = 256

function* flood(onMebibyte: () => void): Generator<Buffer> {
  const chunk = Buffer.alloc(1024 * 1024)
  for (let sent = 0; sent < FLOOD_MIB; sent += 1) {
    onMebibyte()
    yield chunk
  }
}

async function echo(
  request: IncomingMessage,
  response: ServerResponse,
  released: Promise<void>,
  onFlood: () => void,
): Promise<void> {
  const { method = '', url = '', headersDistinct: headers } = request
  if (url.endsWith('/drip')) {
    response.write(FIRST_DROP)
    await released
    response.end('two')
    return
  }
  if (url.endsWith('/early')) {
    request.once('data', (chunk: Buffer) => response.end(chunk))
    return
  }
  if (url.endsWith('/flood')) {
    await pipeline(Readable.from(flood(onFlood)), response).catch(() => {})
    return
  }
  if (url.endsWith('/odd')) {
    const cookies = ['a=1', 'b=2']
    response.writeHead(307, { location: 'http://elsewhere:81/final/x', 'set-cookie': cookies, 'x-own': 'kept' }).end()
    return
  }
  if (url.endsWith('/headers')) {
    response.writeHead(200, { 'x-large': 'x'.repeat(LARGE_HEADER) }).end()
    return
  }
  const seen: Seen = {
    address: request.socket.localAddress ?? '',
    method,
    url,
    headers,
    bytes: await countBytes(request),
  }
  response.writeHead(200, { 'content-type': 'application/json', ...(url.endsWith('/accel') && ACCEL) })
  response.end(JSON.stringify(seen))
}

async function listen(handler: http.RequestListener, port: number, address: string): Promise<Server> {
  const server = http.createServer({ requestTimeout: 0, maxHeaderSize: 128 * 1024 }, handler).listen(port, address)
  await once(server, 'listening')
  return server
}

export async function startEcho(addresses: readonly string[]): Promise<Echo> {
  const { promise: released, resolve: release } = Promise.withResolvers<void>()
  let flooded = 0
  const onFlood = () => {
    flooded += 1
  }
  const handler: http.RequestListener = (request, response) => {
    echo(request, response, released, onFlood).catch(() => response.destroy())
  }
  const [first = '127.0.0.1', ...others] = addresses
  const server = await listen(handler, 0, first)
  const { port } = server.address() as AddressInfo
  const servers = [server]
  for (const address of others) servers.push(await listen(handler, port, address))
  return {
    port,
    release,
    flooded: () => flooded,
    close: async () => {
      for (const each of servers) {
        each.close()
        each.closeAllConnections()
      }
    },
  }
}
