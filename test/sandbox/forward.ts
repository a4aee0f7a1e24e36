/** Forwards a request and its response as streams. */
import { once } from 'node:events'
import http, { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { HEADER_LINE_LIMIT } from '../../shared/po/objects/nginx-http.ts'

export interface Target {
  readonly host: string
  readonly port: number
  readonly path: string
  /** Override those of the request; undefined removes one. */
  readonly headers?: OutgoingHttpHeaders
  readonly connectSeconds?: number
  /** Longest pause in either direction. */
  readonly transferSeconds?: number
}

/** Hop-by-hop headers. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']

function endToEnd(message: IncomingMessage): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { ...message.headersDistinct }
  for (const name of HOP_BY_HOP) delete headers[name]
  return headers
}

/** Keeps a body of unknown length chunked, for all methods. */
const framing = ({ headers }: IncomingMessage): OutgoingHttpHeaders =>
  'transfer-encoding' in headers ? { 'transfer-encoding': 'chunked' } : {}

const withoutUndefined = (headers: OutgoingHttpHeaders): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))

/** Without the headers that control nginx, which it does not forward either. */
const withoutCommands = (headers: OutgoingHttpHeaders): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('x-accel-')))

/** Rejects if there is no response; a failure during the response closes the connection. */
export async function forward(request: IncomingMessage, response: ServerResponse, target: Target): Promise<void> {
  const { host, port, path, headers = {}, connectSeconds = 10, transferSeconds = 600 } = target
  const passed = http.request({
    host,
    port,
    path,
    method: request.method,
    headers: withoutUndefined({ ...endToEnd(request), ...framing(request), ...headers }),
    agent: false,
    maxHeaderSize: HEADER_LINE_LIMIT,
    timeout: connectSeconds * 1000,
  })
  passed.on('error', () => {}) // after the answer has begun; before, the two promises below tell
  passed.once('socket', (socket) => socket.once('connect', () => passed.setTimeout(transferSeconds * 1000)))
  passed.once('timeout', () => passed.destroy(new Error('the upstream is too slow')))
  response.once('close', () => passed.destroy())
  const sent = pipeline(request, passed).catch((error: unknown) => {
    // An upstream may respond and close before it has read the whole request.
    if (!response.headersSent) throw error
  })
  const answered = once(passed, 'response').then(async ([incoming]: IncomingMessage[]) => {
    if (!incoming) return
    response.writeHead(incoming.statusCode ?? 502, withoutCommands(endToEnd(incoming)))
    response.flushHeaders()
    await pipeline(incoming, response)
  })
  await Promise.all([sent, answered])
}

export function answer(response: ServerResponse, status: number, body: string, type = 'application/json'): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body)
}

export const refuse = (response: ServerResponse, status: number): void =>
  answer(response, status, JSON.stringify({ detail: http.STATUS_CODES[status] }))
