/**
 * HTTP to other systems, for every client but that of the Kubernetes API: each request has a deadline and a size limit, and
 * each failure is a `Fault`. Redirects are not followed: a request carries secrets that are meant for one host.
 */
import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { type AgentOptions, Agent as HttpsAgent, request as httpsRequest, type RequestOptions } from 'node:https'
import { withTimeout } from './concurrency.ts'
import { Fault, isFault } from './fault.ts'

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

/** One exchange, until the signal fires. Fails with any error; {@link createHttpClient} makes a fault of it. */
export type Send = (request: HttpRequest, signal: AbortSignal, limitBytes: number) => Promise<HttpAnswer>

/** Sends and resolves to the answer, whatever its status; `doing` is an infinitive for the fault's sentence. */
export type Ask = (request: HttpRequest, doing: string) => Promise<HttpAnswer>

interface HttpClientOptions {
  /** Name of the other side, at the beginning of a sentence. */
  readonly system: string
  readonly deadlineMs: number
  /** Largest answer that is read. */
  readonly limitBytes?: number
  readonly send?: Send
}

/** Errors of a connection that was never open. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'])

const DEFAULT_LIMIT_BYTES = 4 * 1024 * 1024

/** An answer grew beyond its limit. */
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
export function expectOk(system: string, doing: string, answer: HttpAnswer, isFinal = isFinalStatus): HttpAnswer {
  if (isOk(answer)) return answer
  const code = isFinal(answer.status) ? 'refused' : 'unavailable'
  const cause = new Error(`status ${answer.status}${errorWord(answer.text)}`)
  const message = `${system} ${code === 'refused' ? 'refused' : 'failed'} to ${doing} (${answer.status})`
  const retryAfter = retryAfterSeconds(answer.retryAfter)
  throw new Fault(code, message, { cause, ...(retryAfter === undefined ? {} : { retryAfter }) })
}

/** After 408 and 429 the same request may succeed later. */
const isFinalStatus = (status: number): boolean => status < 500 && status !== 408 && status !== 429

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

/** Ends at the deadline even when `work` ignores its signal. @throws `DeadlineOver` */
export async function withinDeadline<T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  message = `no answer within ${ms} ms`,
): Promise<T> {
  const abort = new AbortController()
  try {
    return await withTimeout(ms, work(abort.signal), () => new DeadlineOver(message))
  } catch (error) {
    if (error instanceof DeadlineOver) abort.abort(error)
    throw error
  }
}

/** Where a request for a URL is sent: to its host, or to a proxy. */
type NextHop = (url: URL) => RequestOptions & { readonly to: URL }

/** @param options of the agents: whether they keep connections */
export type Connector = (options: AgentOptions) => NextHop

/** Straight to the host. @param ca certificate authorities instead of the default ones, PEM */
export const direct =
  (ca?: readonly string[]): Connector =>
  (options) => {
    const [http, https] = [new HttpAgent(options), new HttpsAgent({ ...options, ...trusting(ca) })]
    return (url) => ({ to: url, agent: url.protocol === 'https:' ? https : http })
  }

export const trusting = (ca: readonly string[] | undefined) => (ca ? { ca: [...ca] } : {})

/**
 * Sends with Node's own client and keeps connections for the next request. A kept connection that the other side closed
 * at that moment is replaced once: it has not read the request.
 */
export function createSend(connector: Connector = direct()): Send {
  const [kept, fresh] = [connector({ keepAlive: true }), connector({ keepAlive: false })]
  return async (request, signal, limitBytes) => {
    try {
      return await exchange(request, signal, limitBytes, kept)
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error
      return exchange(request, signal, limitBytes, fresh)
    }
  }
}

class StaleConnection extends Error {}

/** A request that is to be written and ended, and the head of its answer. */
export function openRequest(
  to: URL,
  options: RequestOptions,
): { sent: ClientRequest; answer: Promise<IncomingMessage> } {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  const sent = (to.protocol === 'https:' ? httpsRequest : httpRequest)(to, options, resolve).on('error', reject)
  promise.catch(() => undefined)
  return { sent, answer: promise }
}

async function exchange(
  { method, url, headers, body }: HttpRequest,
  signal: AbortSignal,
  limitBytes: number,
  nextHop: NextHop,
): Promise<HttpAnswer> {
  const { to, ...options } = nextHop(new URL(url))
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  const { sent, answer } = openRequest(to, {
    ...options,
    method,
    signal,
    headers: { accept: 'application/json', ...headers, ...length, ...options.headers },
  })
  sent.end(body)
  const response = await answer.catch((error: NodeJS.ErrnoException) => {
    const isStale = sent.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE')
    throw isStale ? new StaleConnection('a kept connection was closed', { cause: error }) : error
  })
  return {
    status: response.statusCode ?? 0,
    text: await readText(response, limitBytes),
    retryAfter: response.headers['retry-after'] ?? null,
  }
}

/** @throws `TooLarge` when there is more of it */
export async function readText(body: AsyncIterable<Uint8Array>, limitBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > limitBytes) throw new TooLarge(`the answer is too large: more than ${limitBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
