/**
 * Bodies of requests. Everything that headers decide, the token included, is decided before any byte of a body is read. The
 * body is counted while it arrives, against a limit of its own and against one for all bodies of the process.
 */
import type { IncomingMessage } from 'node:http'
import { Fault } from '../platform/fault.ts'
import type { Route } from '../routes/index.ts'
import type { Share } from './bounds.ts'
import { cutLongTexts } from './long-texts.ts'

export const BODY_LIMIT = 1024 * 1024
/** Of a body whose long texts are cut, before the cut. What is kept has the limit of any other body. */
const LONG_BODY_LIMIT = 16 * 1024 * 1024
/** What is kept of a long text: two of them are well within the limit of a body. */
const LONG_TEXT_BYTES = 384 * 1024

/** Most bytes that are received of a body. */
export function receivedLimit(body: Route['body'], fileLimit = 0): number {
  if (body === 'stream') return fileLimit + BODY_LIMIT // a form is a little larger than its file
  return body === 'long-texts' ? LONG_BODY_LIMIT : BODY_LIMIT
}

/** A request of Node's server, or of the functions framework, which has read the body already. */
export type FunctionRequest = IncomingMessage & { readonly rawBody?: Buffer | undefined }

export const tooLarge = (limit: number) => new Fault('too_large', `Body is larger than ${limit} bytes`)
export const tooSlow = () => new Fault('too_slow', 'The request took too long to arrive')

/** 0 for a chunked body. */
const announcedLength = ({ headers }: IncomingMessage): number => Number(headers['content-length'] ?? 0)

export const hasBody = (request: IncomingMessage): boolean =>
  request.headers['transfer-encoding'] !== undefined || announcedLength(request) > 0

/** @throws Fault `too_large` when the announced length is above the limit */
export function assertLength(request: FunctionRequest, limit = BODY_LIMIT): void {
  if (Math.max(announcedLength(request), request.rawBody?.length ?? 0) > limit) throw tooLarge(limit)
}

const deferred = new WeakMap<IncomingMessage, () => void>()

/** For a request with `Expect: 100-continue`: `send` runs just before its body is read. */
export const deferContinue = (request: IncomingMessage, send: () => void): void => void deferred.set(request, send)

/** Must be called before a body is read. */
export function sendContinue(request: IncomingMessage): void {
  deferred.get(request)?.()
  deferred.delete(request)
}

/** Calls `take` with each piece of a body until its end. After a fault the rest stays unread. */
async function receive(
  request: IncomingMessage,
  deadlineMs: number,
  limit: number,
  take: (piece: Buffer) => void,
): Promise<void> {
  sendContinue(request)
  let size = 0
  let timer: NodeJS.Timeout | undefined
  await new Promise<void>((resolve, reject) => {
    const stop = (act: () => void) => {
      clearTimeout(timer)
      request.off('data', count)
      request.pause() // without a listener it would keep flowing, at the cost of memory
      act()
    }
    const count = (piece: Buffer) => {
      try {
        size += piece.length
        if (size > limit) throw tooLarge(limit)
        take(piece)
      } catch (fault) {
        stop(() => reject(fault))
      }
    }
    timer = setTimeout(() => stop(() => reject(tooSlow())), deadlineMs)
    request.on('data', count)
    request.once('end', () => stop(resolve))
    request.once('close', () => stop(() => reject(new Fault('bad_request', 'The request ended before its body did'))))
    request.once('error', (cause) => stop(() => reject(new Fault('bad_request', 'Broken request', { cause }))))
  })
}

export interface Reading {
  /** Grows with what is kept. */
  readonly share: Share
  readonly deadlineMs: number
  /** Default: they count like any other bytes. */
  readonly longTexts?: 'cut'
}

/**
 * The whole body.
 * @throws Fault `too_large`, `too_slow`, `unavailable` as soon as that is known; the rest stays unread
 */
export async function readBody(request: FunctionRequest, { share, deadlineMs, longTexts }: Reading): Promise<Buffer> {
  const { rawBody } = request
  const limit = longTexts ? LONG_BODY_LIMIT : BODY_LIMIT
  const shorten = longTexts ? cutLongTexts(LONG_TEXT_BYTES) : (piece: Buffer) => piece
  assertLength(request, limit)
  if (rawBody) return shorten(rawBody)
  if (!hasBody(request)) return Buffer.alloc(0)
  const pieces: Buffer[] = []
  let kept = 0
  await receive(request, deadlineMs, limit, (received) => {
    const piece = shorten(received)
    kept += piece.length
    if (kept > BODY_LIMIT) throw tooLarge(BODY_LIMIT)
    share.add(piece.length)
    pieces.push(piece)
  })
  return Buffer.concat(pieces)
}

/**
 * Counts a body and keeps nothing of it.
 * @throws Fault `too_large`, `too_slow`
 */
export async function discardBody(request: FunctionRequest, deadlineMs: number): Promise<void> {
  assertLength(request)
  if (request.rawBody || !hasBody(request)) return
  await receive(request, deadlineMs, BODY_LIMIT, () => {})
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json$/
const CHARSETS = ['utf-8', 'utf8', 'us-ascii']

/** @throws Fault `unsupported_media` unless the headers declare plain UTF-8 JSON, or no body */
export function assertJson(request: FunctionRequest): void {
  const { headers, rawBody } = request
  if (!hasBody(request) && !rawBody?.length) return
  const encoding = headers['content-encoding']?.toLowerCase() ?? 'identity'
  if (encoding !== 'identity') throw new Fault('unsupported_media', 'Bodies must not be encoded')
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';')
  if (!JSON_TYPE.test(type.trim()))
    throw new Fault('unsupported_media', 'Bodies must be JSON: Content-Type is to be application/json')
  const charset = parameters.map((parameter) => /^\s*charset\s*=\s*"?([^"\s]*)/.exec(parameter)?.[1]).find(Boolean)
  if (charset && !CHARSETS.includes(charset)) throw new Fault('unsupported_media', 'Bodies must be UTF-8')
}

/** V8's message quotes the text, which may hold a secret: only the position reaches the caller. */
function malformed(cause: unknown): Fault {
  const position = /position (\d+)/.exec(String(cause))?.[1]
  const detail = {
    type: 'json_invalid',
    loc: ['body', Number(position ?? 0)],
    msg: 'JSON decode error',
    input: {},
    ctx: { error: 'Malformed JSON' },
  }
  return new Fault('invalid', 'Malformed JSON', { detail: [detail] })
}

/**
 * The value of a JSON body; undefined for an empty one.
 * @throws Fault `invalid`
 */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    throw malformed(cause)
  }
}
