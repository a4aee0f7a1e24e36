/** The HTTP server of a function in production: limits, answers to malformed HTTP, and draining. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../log.ts'
import { deferContinue } from './body.ts'
import type { HttpFunction } from './register.ts'

/** Longer than the proxies in front keep idle connections, so that no connection closes while a request arrives. */
const KEEP_ALIVE_MS = 95_000
const HEADERS_MS = KEEP_ALIVE_MS + 5000
const REQUEST_MS = 120_000
/**
 * Room for two header lines of the largest size that the gateway accepts: a long URL, and a token of a user with many roles and
 * groups. Node's default is 16 KiB.
 */
export const HEADERS_LIMIT = 64 * 1024

export interface FunctionServer {
  readonly port: number
  /** Stops accepting, and waits up to `limitMs` for requests and the work after them. True if all ended. */
  drain(limitMs: number): Promise<boolean>
}

const FALLBACK = JSON.stringify({ detail: 'Internal error' })

/** For a function that rejected, which is a defect of the edge. */
function answerDefect(response: ServerResponse): void {
  if (response.headersSent) return void response.destroy()
  response.writeHead(500, { 'content-type': 'application/json', connection: 'close' }).end(FALLBACK)
}

/** Makes the caller use another connection, to another process. */
function endConnection(response: ServerResponse): void {
  if (!response.headersSent) response.setHeader('connection', 'close')
}

/** Malformed HTTP does not become a request: it is answered on the socket. */
function answerMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const [status, detail] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ['408 Request Timeout', 'The request took too long to arrive']
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? ['431 Request Header Fields Too Large', `The headers are larger than ${HEADERS_LIMIT} bytes`]
        : ['400 Bad Request', 'Malformed request']
  const body = JSON.stringify({ detail })
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nconnection: close`
  socket.end(`${head}\r\n\r\n${body}`)
}

export interface ServerOptions {
  /** Deadline for a whole request to arrive; 0: none, as for files, which have an idle timeout. */
  readonly requestMs?: number
}

/** Listens on `port` on all addresses; 0: on a free port. */
export async function startServer(
  fn: HttpFunction,
  log: Logger,
  port: number,
  { requestMs = REQUEST_MS }: ServerOptions = {},
): Promise<FunctionServer> {
  const running = new Map<ServerResponse, Promise<void>>()
  let draining = false
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    if (draining) endConnection(response)
    const done = fn(request, response)
      .catch((error: unknown) => {
        log.error({ err: error }, 'function failed')
        answerDefect(response)
      })
      .finally(() => running.delete(response))
    running.set(response, done)
  }
  const options = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_MS,
    requestTimeout: requestMs,
    maxHeaderSize: HEADERS_LIMIT,
  }
  const server = createServer(options, handle)
  server.on('checkContinue', (request, response) => {
    deferContinue(request, () => response.writeContinue())
    handle(request, response)
  })
  server.on('clientError', answerMalformed)
  server.listen(port)
  await once(server, 'listening')

  return {
    port: (server.address() as AddressInfo).port,
    async drain(limitMs) {
      draining = true
      for (const response of running.keys()) endConnection(response)
      const closed = once(server, 'close')
      server.close()
      const finished = async () => {
        await closed
        await Promise.all(running.values())
        return true
      }
      const ended = await Promise.race([finished(), delay(limitMs, false, { ref: false })])
      server.closeAllConnections()
      return ended
    },
  }
}
