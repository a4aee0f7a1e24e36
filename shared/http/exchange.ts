/**
 * What every function does around its work, whatever triggers it: health paths, path and method, CORS, request id and access
 * line. All answers are written here.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from '../log.ts'
import { isFault } from '../platform/fault.ts'
import type { Bytes } from '../platform/ports.ts'
import { allRoutes, type Route } from '../routes/index.ts'
import type { FunctionRequest } from './body.ts'
import type { Share } from './bounds.ts'
import { type Pace, send } from './bytes.ts'
import { corsHeaders, preflightHeaders } from './cors.ts'
import type { Edge } from './edge.ts'
import { createMatcher, type Match } from './match.ts'
import { problem } from './problem.ts'
import type { HttpFunction } from './register.ts'
import { json, type Reply } from './reply.ts'

export interface Incoming {
  readonly request: FunctionRequest
  readonly requestId: string
  readonly search: URLSearchParams
  readonly match: Match
  readonly log: Logger
}

export interface Work {
  /** Message of a 500, one per endpoint of the route. */
  readonly failures: readonly string[]
  readonly respond: (incoming: Incoming) => Promise<Reply>
}

/** Characters of a path in an access line. */
const LOGGED_PATH = 512
const HEALTH_PATHS = ['/health/liveness', '/health/readiness']
/** Time for a caller that still sends a refused body to read the answer; then it is disconnected. */
const LINGER_MS = 1000

export function exchange(route: Route, edge: () => Edge, work: Work): HttpFunction {
  const finder = once(() => createMatcher(route.endpoints, edge().prefix))
  /** Several functions may share a path. `Allow` lists the methods of all of them. */
  const siblings = once(() => {
    const own = new Set(route.endpoints.map(({ path }) => path))
    const sameApi = allRoutes.filter(({ trigger, prefix }) => trigger === route.trigger && prefix === route.prefix)
    const others = sameApi.flatMap(({ endpoints }) => endpoints.filter(({ path }) => own.has(path)))
    return createMatcher([...route.endpoints, ...others], edge().prefix)
  })

  const perform = async (request: FunctionRequest, requestId: string, match: Match): Promise<Reply> => {
    const { log } = edge()
    try {
      return await work.respond({ request, requestId, search: searchOf(request), match, log })
    } catch (error) {
      const failure = `${work.failures[match.index] ?? 'Error'} (see ${featureOf(route)} logs)`
      return refuse(error, failure, requestId, log)
    }
  }

  const reply = async (request: FunctionRequest, requestId: string): Promise<Reply> => {
    if (HEALTH_PATHS.includes(pathOf(request))) return health(request)
    const { match, methods } = finder()(request.method ?? '', pathOf(request))
    if (methods.length === 0) return json(404, { detail: 'Not Found' })
    const elsewhere = match && otherSlash(route, match, request)
    if (elsewhere) return { status: 307, headers: { location: elsewhere } }
    if (match) return perform(request, requestId, match)
    const all = siblings()('', pathOf(request)).methods
    const allow = [...all, 'OPTIONS'].join(', ')
    if (request.method !== 'OPTIONS') return json(405, { detail: 'Method Not Allowed' }, { allow })
    return { status: 204, headers: { allow, ...preflightHeaders(request, all) } }
  }

  return async (request, response) => {
    const began = performance.now()
    const requestId = requestIdOf(request)
    const share = edge().bounds.transfers()
    const answer = countTransfer(await reply(request, requestId), share, requestId)
    const cors = corsHeaders(request, edge().corsOrigins)
    const headers = { 'x-request-id': requestId, ...cors, ...answer.headers }
    const pace = { leastBytes: edge().bounds.transferBytes }
    const cut = await write(request, response, { ...answer, headers }, pace).catch((error: unknown) => {
      edge().log.warn({ err: error, requestId }, 'answer broken off')
      return 'broken off'
    })
    share.release()
    const fault = answer.fault ?? cut
    edge().access[HEALTH_PATHS.includes(pathOf(request)) ? 'debug' : 'info'](
      {
        method: request.method,
        path: pathOf(request).slice(0, LOGGED_PATH),
        status: answer.status,
        ms: Math.round((performance.now() - began) * 10) / 10,
        requestId,
        ...(fault && { fault }),
      },
      'request',
    )
    if (answer.after) await runAfter(answer.after, edge().log, requestId)
  }
}

/** An answer that streams counts as one of the files that a process sends at a time. */
function countTransfer(reply: Reply, share: Share, requestId: string): Reply {
  if (!isStream(reply.body)) return reply
  try {
    share.add(1)
    return reply
  } catch (error) {
    const { status, headers, body } = problem(error, '', requestId)
    return { ...json(status, body, headers), fault: String(error) }
  }
}

/** Makes a value at the first call. A call that throws is repeated by the next one. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

const featureOf = ({ name }: Route): string => name.split('-', 1)[0] ?? name

const pathOf = ({ url = '/' }: IncomingMessage): string => url.split('?', 1)[0] ?? '/'

const searchOf = ({ url = '/' }: IncomingMessage): URLSearchParams =>
  new URLSearchParams(url.split('?').slice(1).join('?'))

const SLASH = /\/$/

/** Target of the redirect of a path whose trailing slash differs from the template; with its prefix and query. */
function otherSlash({ slashes, endpoints }: Route, { index }: Match, request: IncomingMessage): string | undefined {
  const template = endpoints[index]?.path ?? ''
  const path = pathOf(request)
  if (slashes === 'both' || SLASH.test(template) === SLASH.test(path)) return undefined
  const query = (request.url ?? '').slice(path.length)
  return `${SLASH.test(path) ? path.slice(0, -1) : `${path}/`}${query}`
}

const health = ({ method }: IncomingMessage): Reply =>
  method === 'GET' ? json(200, { status: 'ok' }) : json(405, { detail: 'Method Not Allowed' }, { allow: 'GET' })

/** The caller's id of the request, if it is safe in a log line; else a new one. */
export function requestIdOf({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && /^[\w.:-]{1,128}$/.test(given) ? given : randomUUID()
}

function refuse(error: unknown, failure: string, requestId: string, log: Logger): Reply {
  const { status, headers, body, code } = problem(error, failure, requestId)
  if (code === 'unexpected') log.error({ err: error, requestId }, 'request failed')
  else if (status >= 500) log.warn({ err: error, requestId }, 'request could not be served')
  else log.debug({ err: error, requestId }, 'request refused')
  const fault = isFault(error) ? `${code}: ${error.message}` : code
  return { ...json(status, body, headers), fault }
}

/** The caller has its answer: a failure is only logged. */
async function runAfter(after: () => Promise<void>, log: Logger, requestId: string): Promise<void> {
  try {
    await after()
  } catch (error) {
    log.error({ err: error, requestId }, 'work after the answer failed')
  }
}

const STANDARD_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const

const isStream = (body: Reply['body']): body is Bytes => typeof body === 'object' && Symbol.asyncIterator in body

async function write(
  request: FunctionRequest,
  response: ServerResponse,
  { status, headers, body }: Reply,
  pace: Pace,
): Promise<undefined> {
  if (response.destroyed || response.headersSent) return
  const unread = !request.complete && !request.rawBody
  const all = { ...STANDARD_HEADERS, ...lengthOf(body), ...headers, ...(unread && { connection: 'close' }) }
  response.writeHead(status, all)
  if (request.method !== 'HEAD') {
    if (isStream(body)) return void (await send(body, response, pace))
    if (body !== undefined) response.write(body)
  }
  if (unread) await linger(request)
  response.end()
}

const lengthOf = (body: Reply['body']): Record<string, string> =>
  body === undefined || isStream(body) ? {} : { 'content-length': String(Buffer.byteLength(body)) }

/**
 * Waits before the response ends: ending it at once would reset the connection of a caller that has not read the answer.
 * What it still sends stays in the kernel; reading it to discard it would cost tens of MiB.
 */
async function linger(request: FunctionRequest): Promise<void> {
  const closed = new Promise<void>((resolve) => request.once('close', resolve))
  await Promise.race([closed, delay(LINGER_MS, undefined, { ref: false })])
}
