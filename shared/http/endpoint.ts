/**
 * `endpoint()` makes a function from a route, its schemas and a use case. It owns everything between the socket and the
 * use case, in this order: health paths, path and method (404, 405), preflight, announced size of the body (413), bearer
 * token (401, 403, 503), path and query by their schemas (422), type of the body (415), the body as it comes (408, 413,
 * 503), its schema (422), the use case, its answer by its schema, JSON. A refusal at any step means that the use case did
 * not run. It may import `shared/http`, `routes`, `config`, `log`,
 * `fault` and the ids of the model, never a use case.
 *
 *     http(
 *       routes.po.status.name,
 *       endpoint(routes.po.status, poSchemas.status, (ports, { params }) => status(ports, params.analysis_id), wire('store')),
 *     )
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { Route } from '../routes/index.ts'
import { bearerToken, type Callers } from './auth.ts'
import { assertJson, assertLength, BODY_LIMIT, parseJson, readBody, receivedLimit } from './body.ts'
import { assertKnownSite } from './cross-site.ts'
import { createEdge, type Edge } from './edge.ts'
import { exchange, type Incoming, json, once, type Reply } from './exchange.ts'
import type { HttpFunction } from './register.ts'
import type { Checks, Schemas } from './schemas.ts'
import { validate } from './validation.ts'

/** What a function works with, made at its first request, and how its callers are authenticated: as `wire()` returns it. */
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
  readonly headers: IncomingHttpHeaders
  readonly caller: Caller
}

export interface Options<Deps, Params, Query, Body, Answer, Caller> {
  /** Runs after the answer is sent, before a shutdown ends. Its failure is logged and has no other effect. */
  readonly afterAnswer?: (deps: Deps, request: Request<Params, Query, Body, Caller>, answer: Answer) => Promise<void>
  /** Makes a reply other than `200` and JSON. */
  readonly encode?: (answer: Answer) => Reply
  readonly edge?: () => Edge<Caller>
}

type None = Record<never, never>

export function endpoint<Deps, Caller, Answer, Params = None, Query = None, Body = undefined>(
  route: Route,
  schemas: Schemas<Params, Query, Body, Answer>,
  handle: (deps: Deps, request: Request<Params, Query, Body, Caller>) => Promise<Answer>,
  deps: Wired<Deps, Caller>,
  options: Options<Deps, Params, Query, Body, Answer, Caller> = {},
): HttpFunction {
  const edge = once(options.edge ?? (() => createEdge(route, deps)))
  const resources = once(deps)
  const { encode = (answer: Answer) => json(schemas.success ?? 200, answer), afterAnswer } = options

  // Requests that are answered with one and the same object share its check and its text.
  const replies = new WeakMap<object, Reply>()
  const replyTo = (answer: Answer): Reply => {
    const shared = typeof answer === 'object' && answer !== null ? answer : undefined
    const reply = (shared && replies.get(shared)) ?? encode(schemas.answer.parse(answer) as Answer)
    if (shared) replies.set(shared, reply)
    return reply
  }

  const respond = async (incoming: Incoming): Promise<Reply> => {
    const { bodies, bodyMs } = edge().bounds
    const head = await checkedHead(route, schemas, edge(), incoming, receivedLimit(route.body))
    if (schemas.body) assertJson(incoming.request)
    const share = bodies()
    try {
      const cut = route.body === 'long-texts'
      const reading = { keep: schemas.body !== undefined, cut, share, deadlineMs: bodyMs }
      const bytes = await readBody(incoming.request, reading)
      const body = schemas.body && validate(schemas.body, parseJson(bytes), 'body')
      const request = { ...head, body: body as Body }
      const answer = await handle(resources(), request)
      const reply = replyTo(answer)
      return afterAnswer ? { ...reply, after: () => afterAnswer(resources(), request, answer) } : reply
    } finally {
      share.release()
    }
  }
  return exchange(route, edge, { failures: schemas.failures, respond })
}

/** Everything that can refuse a request by its head, before anything is read or done for it. */
export async function checkedHead<Params, Query, Caller>(
  route: Route,
  schemas: Pick<Checks<Params, Query, unknown>, 'params' | 'query'>,
  edge: Edge<Caller>,
  { request, match, search }: Incoming,
  bodyLimit = BODY_LIMIT,
): Promise<Omit<Request<Params, Query, undefined, Caller>, 'body'>> {
  assertLength(request, bodyLimit)
  const { method = '', headers } = request
  if (route.auth !== 'none' && edge.isOpen) assertKnownSite(request, edge.corsOrigins, route)
  const isKnown = route.auth !== 'none' && !edge.isOpen
  const caller = isKnown ? await edge.authenticate(bearerToken(headers.authorization), match.params) : undefined
  const params = schemas.params ? validate(schemas.params, match.params, 'path') : {}
  const query = schemas.query ? validate(schemas.query, Object.fromEntries(search), 'query') : {}
  return {
    method,
    path: route.endpoints[match.index]?.path ?? '',
    params: params as Params,
    query: query as Query,
    headers,
    caller: caller as Caller,
  }
}
