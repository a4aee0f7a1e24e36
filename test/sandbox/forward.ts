/** Passes a request on and its answer back, both as streams. */
import { once } from 'node:events'
import http, { type IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { HEADER_LINE_LIMIT } from '../../shared/po/objects/nginx-http.ts'

export interface Target {
  readonly host: string
  readonly port: number
  readonly path: string
  /** Set over those of the request; undefined takes one away. */
  readonly headers?: OutgoingHttpHeaders
  readonly connectSeconds?: number
  /** Longest pause in either direction. */
  readonly transferSeconds?: number
}

/** What belongs to one connection only. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade']

function endToEnd(message: IncomingMessage): OutgoingHttpHeaders {
  const headers: OutgoingHttpHeaders = { ...message.headersDistinct }
  for (const name of HOP_BY_HOP) delete headers[name]
  return headers
}

/** A body of unknown length stays one, whatever the method. */
const framing = ({ headers }: IncomingMessage): OutgoingHttpHeaders =>
  'transfer-encoding' in headers ? { 'transfer-encoding': 'chunked' } : {}

const withoutUndefined = (headers: OutgoingHttpHeaders): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))

/** Without what would command nginx, which does not pass it on either. */
const withoutCommands = (headers: OutgoingHttpHeaders): OutgoingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('x-accel-')))

/** Rejects when no answer could be had; once an answer has begun, a failure cuts it off. */
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
    // An upstream may answer before it has read everything, and hang up.
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
