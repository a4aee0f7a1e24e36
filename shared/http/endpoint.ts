/**
 * `endpoint()` makes a function from a route, its schemas and a use case. It does everything between the socket and the use
 * case, in this order: health paths, path and method (404, 405), preflight, announced size of the body (413), bearer token
 * (401, 403, 503), path and query by their schemas (422), type of the body (415), the body as it arrives (408, 413, 503), its
 * schema (422), the use case, its answer by its schema, JSON. When a step refuses the request, the use case does not run.
 *
 * Where the route's `body` is `stream`, the use case reads the body itself, as `content`.
 *
 *     http(
 *       route.name,
 *       endpoint(route, poSchemas.status, (deps, { params }) => status(deps, params.analysis_id), wirePo(route, store)),
 *     )
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Bytes } from '../platform/ports.ts'
import type { Endpoint, Route } from '../routes/index.ts'
import { bearerToken, type Callers } from './auth.ts'
import { assertJson, assertLength, discardBody, hasBody, parseJson, readBody, receivedLimit } from './body.ts'
import type { Share } from './bounds.ts'
import { bodyOf } from './bytes.ts'
import { assertKnownSite } from './cross-site.ts'
import { createEdge, type Edge } from './edge.ts'
import { exchange, type Incoming, once } from './exchange.ts'
import type { HttpFunction } from './register.ts'
import { type Encoded, isEncoded, json, type Reply } from './reply.ts'
import type { Checks, Schemas } from './schemas.ts'
import { validate } from './validation.ts'

/** What a function works with, made at its first request, and how its callers are authenticated: as `wirePo()` returns it. */
export interface Wired<Deps, Caller> {
  (): Deps
  /** Left out where the route asks for no token. */
  readonly callers?: Callers<Caller>
}

export interface Request<Params, Query, Body, Caller> {
  readonly method: string
  /** Template of the endpoint, as the route has it. */
  readonly path: string
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** The body as it arrives, where the route's `body` is `stream`; else empty. To be read once. */
  readonly content: Bytes
  /** Bytes of the largest file that is accepted. */
  readonly fileLimit: number
  readonly headers: IncomingHttpHeaders
  readonly caller: Caller
}

export interface EndpointOptions<Deps, Params, Query, Body, Answer, Caller> {
  /** Runs after a JSON answer is sent, before a shutdown ends. Its failure is logged and has no other effect. */
  readonly afterAnswer?: (deps: Deps, request: Request<Params, Query, Body, Caller>, answer: Answer) => Promise<void>
  readonly edge?: () => Edge<Caller>
}

type None = Record<never, never>

/** What a use case may return for the input of a schema: the same, or read-only lists and objects. */
type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T

type KeyOf<E> = E extends Endpoint ? `${E['method']} ${E['path']}` : never
type EndpointKey<R extends Route> = KeyOf<R['endpoints'][number]>

type Handle<Deps, Asked, Answer> = (deps: Deps, request: Asked) => Promise<Answer | Encoded>

/** @param handle one for all endpoints of the route, or one for each, by its method and path */
export function endpoint<
  const R extends Route,
  Deps,
  Caller,
  Shape,
  Answer extends Frozen<Shape>,
  Params = None,
  Query = None,
  Body = undefined,
>(
  route: R,
  schemas: Schemas<Params, Query, Body, Shape>,
  handle:
    | Handle<Deps, Request<Params, Query, Body, Caller>, Answer>
    | Readonly<Record<EndpointKey<R>, Handle<Deps, Request<Params, Query, Body, Caller>, NoInfer<Answer>>>>,
  deps: Wired<Deps, Caller>,
  options: EndpointOptions<Deps, Params, Query, Body, Answer, Caller> = {},
): HttpFunction {
  const edge = once(options.edge ?? (() => createEdge(route, deps)))
  const resources = once(deps)
  const { afterAnswer } = options
  const handlerOf = ({ method, path }: { method: string; path: string }) =>
    typeof handle === 'function' ? handle : handle[`${method} ${path}` as EndpointKey<R>]

  // Requests that are answered with the same object share its check and its text.
  const replies = new WeakMap<object, Reply>()
  const replyTo = (answer: Answer): Reply => {
    const shared = typeof answer === 'object' && answer !== null ? answer : undefined
    const reply = (shared && replies.get(shared)) ?? json(schemas.success ?? 200, schemas.answer.parse(answer))
    if (shared) replies.set(shared, reply)
    return reply
  }

  const respond = async (incoming: Incoming): Promise<Reply> => {
    const { bounds } = edge()
    const head = await checkedHead(route, schemas, edge(), incoming)
    if (schemas.body) assertJson(incoming.request)
    const share = route.body === 'stream' ? bounds.transfers() : bounds.bodies()
    try {
      const request = { ...head, ...(await receivedBody(route, schemas, edge(), incoming, share)) }
      const answer = await handlerOf(request)(resources(), request)
      if (isEncoded(answer)) return answer
      const reply = replyTo(answer)
      return afterAnswer ? { ...reply, after: () => afterAnswer(resources(), request, answer) } : reply
    } finally {
      share.release()
    }
  }
  return exchange(route, edge, { failures: schemas.failures, respond })
}

/** Everything that can refuse a request by its head, before anything is read or done for it. */
async function checkedHead<Params, Query, Body, Caller>(
  route: Route,
  schemas: Checks<Params, Query, Body>,
  { authenticate, isOpen, corsOrigins, fileLimit }: Edge<Caller>,
  { request, match, search }: Incoming,
): Promise<Omit<Request<Params, Query, Body, Caller>, 'body' | 'content'>> {
  assertLength(request, receivedLimit(route.body, fileLimit))
  const { method = '', headers } = request
  if (route.auth !== 'none' && isOpen) assertKnownSite(request, corsOrigins, route)
  const hasCaller = route.auth !== 'none' && !isOpen
  const caller = hasCaller ? await authenticate(bearerToken(headers.authorization), match.params) : undefined
  const params = schemas.params ? validate(schemas.params, match.params, 'path') : {}
  const query = schemas.query ? validate(schemas.query, Object.fromEntries(search), 'query') : {}
  return {
    method,
    path: route.endpoints[match.index]?.path ?? '',
    params: params as Params,
    query: query as Query,
    fileLimit,
    headers,
    caller: caller as Caller,
  }
}

async function receivedBody<Params, Query, Body, Caller>(
  route: Route,
  schemas: Checks<Params, Query, Body>,
  { bounds, fileLimit }: Edge<Caller>,
  { request }: Incoming,
  share: Share,
): Promise<Pick<Request<Params, Query, Body, Caller>, 'body' | 'content'>> {
  const none = undefined as Body
  if (route.body === 'stream') {
    if (hasBody(request)) share.add(1)
    const pace = { leastBytes: bounds.transferBytes }
    return { body: none, content: bodyOf(request, receivedLimit(route.body, fileLimit), pace) }
  }
  if (!schemas.body) {
    await discardBody(request, bounds.bodyMs)
    return { body: none, content: nothing() }
  }
  const reading = { share, deadlineMs: bounds.bodyMs, ...(route.body && { longTexts: 'cut' as const }) }
  const body = validate(schemas.body, parseJson(await readBody(request, reading)), 'body')
  return { body, content: nothing() }
}

async function* nothing(): Bytes {}
