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
import { assertMayCall, assertOwn, assertOwnService, type Caller, NOBODY } from './auth.ts'
import { assertJson, assertLength, BODY_LIMIT, parseJson, readBody, receivedLimit } from './body.ts'
import { assertKnownSite } from './cross-site.ts'
import { createEdge, type Edge } from './edge.ts'
import { exchange, type Incoming, json, once, type Reply } from './exchange.ts'
import type { HttpFunction } from './register.ts'
import type { Checks, Schemas } from './schemas.ts'
import { validate } from './validation.ts'

export interface Request<Params, Query, Body> {
  readonly params: Params
  readonly query: Query
  readonly body: Body
  /** Nobody, where the route asks for no token. */
  readonly caller: Caller
  readonly requestId: string
  /** Template of the endpoint that was hit, as it stands in the route. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** `X-Flame-Run`: the run that an egress proxy spoke for. */
  readonly runHeader: string | undefined
}

export interface Options<Deps, Params, Query, Body, Answer> {
  /** Runs when the answer is out, before a shutdown ends. Its failure is logged and has no other effect. */
  readonly afterAnswer?: (deps: Deps, request: Request<Params, Query, Body>, answer: Answer) => Promise<void>
  /** Makes the answer something else than `200` and JSON. */
  readonly encode?: (answer: Answer) => Reply
  readonly edge?: () => Edge
}

type None = Record<never, never>

export function endpoint<Deps, Answer, Params = None, Query = None, Body = undefined>(
  route: Route,
  schemas: Schemas<Params, Query, Body, Answer>,
  handle: (deps: Deps, request: Request<Params, Query, Body>) => Promise<Answer>,
  deps: () => Deps,
  options: Options<Deps, Params, Query, Body, Answer> = {},
): HttpFunction {
  const edge = once(options.edge ?? (() => createEdge(route)))
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
      assertOwn(head.caller, body)
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
export async function checkedHead<Params, Query>(
  route: Route,
  schemas: Pick<Checks<Params, Query, unknown>, 'params' | 'query'>,
  edge: Edge,
  { request, requestId, match, search }: Incoming,
  bodyLimit = BODY_LIMIT,
): Promise<Omit<Request<Params, Query, undefined>, 'body'>> {
  assertLength(request, bodyLimit)
  if (route.auth !== 'none' && edge.isOpen) assertKnownSite(request, edge.corsOrigins, route)
  const caller = route.auth === 'none' ? NOBODY : await edge.authenticate(request.headers.authorization)
  assertMayCall(route.auth, caller)
  assertOwnService(caller, match.params)
  const params = schemas.params ? validate(schemas.params, match.params, 'path') : {}
  const query = schemas.query ? validate(schemas.query, Object.fromEntries(search), 'query') : {}
  const run = request.headers['x-flame-run']
  return {
    params: params as Params,
    query: query as Query,
    caller,
    requestId,
    headers: request.headers,
    path: route.endpoints[match.index]?.path ?? '',
    runHeader: typeof run === 'string' ? run : undefined,
  }
}
