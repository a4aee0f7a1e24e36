/** Bodies of requests: counted while they arrive, so that no caller fills our memory, token or none. */
import type { IncomingMessage } from 'node:http'
import { Fault } from '../fault.ts'

export const BODY_LIMIT = 1024 * 1024

/** A request as Node gives it, or as the functions framework does, which has read the body already. */
export type FunctionRequest = IncomingMessage & { readonly rawBody?: Buffer | undefined }

const tooLarge = () => new Fault('too_large', `Body is larger than ${BODY_LIMIT} bytes`)

/** Length that the request announces; a chunked body announces none. */
export const announcedLength = ({ headers }: IncomingMessage): number => Number(headers['content-length'] ?? 0)

const hasBody = (request: IncomingMessage): boolean =>
  request.headers['transfer-encoding'] !== undefined || announcedLength(request) > 0

/**
 * The whole body, or none of it when it is not to be kept: it is counted all the same.
 * @throws Fault `too_large` as soon as that is known; the rest stays unread
 */
export async function readBody(request: FunctionRequest, keep: boolean): Promise<Buffer> {
  const { rawBody } = request
  if (Math.max(announcedLength(request), rawBody?.length ?? 0) > BODY_LIMIT) throw tooLarge()
  if (rawBody || !hasBody(request)) return (keep && rawBody) || Buffer.alloc(0)
  const chunks: Buffer[] = []
  let size = 0
  await new Promise<void>((resolve, reject) => {
    const stop = (act: () => void) => {
      request.off('data', take)
      request.pause() // without a listener it would flow on, and every byte would cost memory
      act()
    }
    const take = (chunk: Buffer) => {
      size += chunk.length
      if (size > BODY_LIMIT) stop(() => reject(tooLarge()))
      else if (keep) chunks.push(chunk)
    }
    request.on('data', take)
    request.once('end', () => stop(resolve))
    request.once('close', () => stop(() => reject(new Fault('bad_request', 'The request ended before its body did'))))
    request.once('error', (cause) => stop(() => reject(new Fault('bad_request', 'Broken request', { cause }))))
  })
  return Buffer.concat(chunks)
}

const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json$/
const CHARSETS = ['utf-8', 'utf8', 'us-ascii']

/** @throws Fault `unsupported_media` for a body that is not plain UTF-8 JSON by its headers */
function assertJsonHeaders({ headers }: IncomingMessage): void {
  const encoding = headers['content-encoding']?.toLowerCase() ?? 'identity'
  if (encoding !== 'identity') throw new Fault('unsupported_media', 'Bodies must not be encoded')
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';')
  if (type.trim() !== '' && !JSON_TYPE.test(type.trim())) throw new Fault('unsupported_media', 'Bodies must be JSON')
  const charset = parameters.map((parameter) => /^\s*charset\s*=\s*"?([^"\s]*)/.exec(parameter)?.[1]).find(Boolean)
  if (charset && !CHARSETS.includes(charset)) throw new Fault('unsupported_media', 'Bodies must be UTF-8')
}

/** What V8 says about broken JSON quotes the text, and the text may hold a secret: only the position goes out. */
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
 * @throws Fault `unsupported_media`, `invalid`
 */
export function parseJson(request: IncomingMessage, body: Buffer): unknown {
  if (body.length === 0) return undefined
  assertJsonHeaders(request)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (cause) {
    throw malformed(cause)
  }
}
