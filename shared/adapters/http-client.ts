/**
 * HTTP to other systems: every request has a deadline and a size limit, and every way to fail is a `Fault`.
 *
 * Owns: sending, deadlines, the table from status to fault. Shared by the Keycloak, Hub, sidecar, broker and sink adapters.
 * May import: fault. Redirects are not followed: a request carries secrets that are meant for one host.
 */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { Fault, isFault } from '../platform/fault.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface HttpAnswer {
  readonly status: number
  readonly text: string
  /** The header of that name, as it came. */
  readonly retryAfter: string | null
}

/** One exchange, given up when the signal fires. Fails with any error; {@link createHttpClient} makes a fault of it. */
export type Send = (request: HttpRequest, signal: AbortSignal, limitBytes: number) => Promise<HttpAnswer>

/** Sends and resolves to the answer, whatever its status; `doing` is an infinitive for the fault's sentence. */
export type Ask = (request: HttpRequest, doing: string) => Promise<HttpAnswer>

interface HttpClientOptions {
  /** Name of the other side as it stands at the beginning of a sentence. */
  readonly system: string
  readonly deadlineMs: number
  /** Largest answer that is read. */
  readonly limitBytes?: number
  readonly send?: Send
}

/** Errors of a connection that never was. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

const DEFAULT_LIMIT_BYTES = 4 * 1024 * 1024

/** Thrown by a {@link Send} when the answer grows beyond the limit. */
export class TooLarge extends Error {}

export function createHttpClient(options: HttpClientOptions): Ask {
  const { system, deadlineMs, limitBytes = DEFAULT_LIMIT_BYTES, send = createSend() } = options
  return async (request, doing) => {
    try {
      return await withinDeadline(deadlineMs, (signal) => send(request, signal, limitBytes))
    } catch (cause) {
      if (isFault(cause)) throw cause
      if (cause instanceof DeadlineOver) {
        const message = `${system} took more than ${deadlineMs / 1000} s to ${doing}`
        throw new Fault('unavailable', message, { cause, mayArrive: true })
      }
      if (cause instanceof TooLarge) {
        throw new Fault('refused', `${system} answered far too much when asked to ${doing}`, { cause })
      }
      const mayArrive = !NOT_SENT.has((cause as NodeJS.ErrnoException | undefined)?.code ?? '')
      throw new Fault('unavailable', `${system} cannot be reached to ${doing}`, { cause, mayArrive })
    }
  }
}

export const isOk = (answer: HttpAnswer): boolean => answer.status >= 200 && answer.status < 300

/** The answer itself when it is a 2xx, otherwise a fault: `refused` when its status is final. */
export function expectOk(system: string, doing: string, answer: HttpAnswer, isFinal = isVerdict): HttpAnswer {
  if (isOk(answer)) return answer
  const code = isFinal(answer.status) ? 'refused' : 'unavailable'
  const said = new Error(`status ${answer.status}${errorWord(answer.text)}`)
  const message = `${system} ${code === 'refused' ? 'refused' : 'failed'} to ${doing} (${answer.status})`
  const retryAfter = retryAfterSeconds(answer.retryAfter)
  throw new Fault(code, message, { cause: said, ...(retryAfter === undefined ? {} : { retryAfter }) })
}

/** 408 and 429 are no verdict on the request: the same one may succeed later. */
const isVerdict = (status: number): boolean => status < 500 && status !== 408 && status !== 429

/** The machine-readable word of an error answer, for the log. Its free text is left out: it may repeat what we sent. */
function errorWord(text: string): string {
  const word = /"(?:error|code)"\s*:\s*"([a-z][a-z0-9_ ]{0,40})"/i.exec(text.slice(0, 4096))?.[1]
  return word === undefined ? '' : `, ${word}`
}

function retryAfterSeconds(header: string | null): number | undefined {
  if (header === null) return undefined
  if (/^[0-9]{1,6}$/.test(header)) return Number(header)
  const at = /^[a-z]{3}, /i.test(header) ? Date.parse(header) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.max(0, Math.ceil((at - Date.now()) / 1000))
}

class DeadlineOver extends Error {}

/** Ends at the deadline even when `work` takes no notice of its signal. */
async function withinDeadline<T>(ms: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const abort = new AbortController()
  const over = Promise.withResolvers<never>()
  const timer = setTimeout(() => {
    const reason = new DeadlineOver(`no answer within ${ms} ms`)
    over.reject(reason)
    abort.abort(reason)
  }, ms)
  try {
    return await Promise.race([work(abort.signal), over.promise])
  } finally {
    clearTimeout(timer)
  }
}

interface SendOptions {
  /** Certificate authorities instead of the default ones, PEM. */
  readonly ca?: readonly string[]
}

/**
 * Sends with Node's own client and keeps connections for the next request. A kept connection that the other side closed
 * at that moment is replaced once: nobody has read the request then.
 */
export function createSend(options: SendOptions = {}): Send {
  const http = new HttpAgent({ keepAlive: true })
  const https = new HttpsAgent({ keepAlive: true, ...(options.ca ? { ca: [...options.ca] } : {}) })
  return async (request, signal, limitBytes) => {
    try {
      return await exchange(request, signal, limitBytes, { http, https })
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error
      return exchange(request, signal, limitBytes, { http: false, https: options.ca ? freshAgent(options.ca) : false })
    }
  }
}

const freshAgent = (ca: readonly string[]): HttpsAgent => new HttpsAgent({ ca: [...ca] })

class StaleConnection extends Error {}

interface Agents {
  readonly http: HttpAgent | false
  readonly https: HttpsAgent | false
}

function exchange(request: HttpRequest, signal: AbortSignal, limitBytes: number, agents: Agents): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const secure = request.url.startsWith('https:')
    const headers: Record<string, string> = { accept: 'application/json', ...request.headers }
    if (request.body !== undefined) headers['content-length'] = String(Buffer.byteLength(request.body))
    const sent = (secure ? httpsRequest : httpRequest)(
      request.url,
      { method: request.method, headers, signal, agent: secure ? agents.https : agents.http },
      (response) => readAnswer(response, limitBytes).then(resolve, reject),
    )
    sent.on('error', (error: NodeJS.ErrnoException) => {
      const stale = sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
      reject(stale ? new StaleConnection('a kept connection was closed', { cause: error }) : error)
    })
    sent.end(request.body)
  })
}

async function readAnswer(response: IncomingMessage, limitBytes: number): Promise<HttpAnswer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limitBytes) throw new TooLarge(`more than ${limitBytes} bytes`)
    chunks.push(chunk)
  }
  return {
    status: response.statusCode ?? 0,
    text: Buffer.concat(chunks).toString('utf8'),
    retryAfter: response.headers['retry-after'] ?? null,
  }
}
