/**
 * The base of all stand-ins of HTTP services: a server on loopback that counts requests and fails on demand.
 *
 * Owns: listening, counting, injected faults, stopping. May import nothing of the product.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

export interface Incoming {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface Reply {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** A text is sent as it is, anything else as JSON, undefined as nothing. */
  readonly body?: unknown
}

/** How a request fails: no answer, a cut connection, a late but right answer, or this answer. */
export type Break = 'hang' | 'close' | { readonly lateMs: number } | Reply

export interface StandIn {
  /** `http://127.0.0.1:port`. */
  readonly url: string
  /** The latest requests, as `METHOD /path?query`; more than a test makes. */
  readonly requests: readonly string[]
  /** How many requests matched. */
  count(matcher: RegExp): number
  /** Breaks the next `times` requests whose `METHOD /path?query` matches; the oldest rule that matches wins. */
  fail(matcher: RegExp, how: Break, times?: number): void
  /** Forgets all rules made by `fail`; hanging requests go on hanging. */
  heal(): void
  stop(): Promise<void>
}

export interface StandInOptions {
  readonly port?: number
  /** Before every answer. */
  readonly latencyMs?: number
  readonly handle: (request: Incoming) => Reply | Promise<Reply>
  /** Requests that are neither counted nor broken. */
  readonly exempt?: RegExp
}

export const SERVER_ERROR: Reply = { status: 500, body: { error: 'unknown_error' } }

/** A sandbox may run for days. */
const MAX_REQUESTS = 100_000

type Answering = Exclude<Break, string>

interface Rule {
  readonly matcher: RegExp
  readonly how: Break
  left: number
}

export async function startStandIn(options: StandInOptions): Promise<StandIn> {
  const { port = 0, latencyMs = 0, handle, exempt } = options
  const requests: string[] = []
  let rules: Rule[] = []
  let stopped = false

  const breakFor = (line: string): Break | undefined => {
    const rule = rules.find(({ matcher, left }) => left > 0 && matcher.test(line))
    if (rule) rule.left -= 1
    return rule?.how
  }

  const answer = async (incoming: IncomingMessage, how: Answering): Promise<Reply> => {
    const text = await bodyOf(incoming)
    if ('lateMs' in how) await wait(how.lateMs)
    if ('status' in how) return how
    if (stopped) return SERVER_ERROR
    const url = new URL(incoming.url ?? '/', 'http://stand-in')
    return handle({ method: incoming.method ?? '', url, headers: incoming.headers, text })
  }

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const line = `${incoming.method} ${incoming.url}`
    if (exempt?.test(line)) return send(outgoing, await answer(incoming, { lateMs: 0 }))
    if (requests.push(line) > MAX_REQUESTS) requests.splice(0, MAX_REQUESTS / 2)
    const how = breakFor(line) ?? { lateMs: latencyMs }
    if (how === 'close') incoming.destroy()
    else if (how !== 'hang') send(outgoing, await answer(incoming, how))
  }

  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch((error: unknown) => {
      if (!outgoing.headersSent) send(outgoing, { status: 500, body: { error: String(error) } })
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve)
  })

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    count: (matcher) => requests.filter((line) => matcher.test(line)).length,
    fail: (matcher, how, times = 1) => {
      rules.push({ matcher, how, left: times })
    },
    heal: () => {
      rules = []
    },
    stop: () =>
      new Promise((resolve) => {
        stopped = true
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}

function send(outgoing: ServerResponse, { status, headers = {}, body }: Reply): void {
  const isText = typeof body === 'string'
  const text = body === undefined || isText ? body : JSON.stringify(body)
  const type = text === undefined ? {} : { 'content-type': isText ? 'text/plain' : 'application/json' }
  outgoing.writeHead(status, { ...type, ...headers })
  outgoing.end(text)
}
