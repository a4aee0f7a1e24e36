/** The API over HTTP: authentication, dispatch, and the response or a Status. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { ServerIdentity } from './certificate.ts'
import { conformed } from './custom-schema.ts'
import { discovery } from './discovery.ts'
import { badRequest, Failure, managerRequired, noPath, statusOf } from './failure.ts'
import { createListing, filterOf, presenterOf } from './listing.ts'
import { isFields } from './merge.ts'
import type { KubeObject } from './objects.ts'
import { assertPatchType, patched } from './patch.ts'
import type { DeleteOptions, Propagation, Resources } from './resources.ts'
import type { Store } from './store.ts'
import { parseTarget, type Target } from './target.ts'
import { watch } from './watch.ts'

export interface Exchange {
  readonly target: Target
  readonly query: URLSearchParams
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

export interface ApiParts {
  readonly store: Store
  readonly resources: Resources
  readonly token: string
  /** `pods/log`, `pods/proxy`, `services/proxy`. */
  readonly subresources: Readonly<Record<string, (exchange: Exchange) => void | Promise<void>>>
  /** Called for each request for objects before the response. */
  readonly onRequest?: ((method: string, path: string) => void) | undefined
  /** Speaks TLS if given. */
  readonly identity?: ServerIdentity | undefined
}

interface Result {
  readonly status: number
  readonly body: unknown
}

const BODY_LIMIT = 3 * 1024 * 1024

export function createApi(parts: ApiParts): Server {
  const verbs = createVerbs(parts)
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    answer(parts, verbs, request, response).catch((error: unknown) => fail(response, error))
  }
  const server = parts.identity ? createSecureServer(parts.identity, listener) : createServer(listener)
  server.keepAliveTimeout = 90_000
  return server
}

async function answer(
  parts: ApiParts,
  verbs: Verbs,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://sandbox')
  if (HEALTH.has(url.pathname)) return void response.end('ok')
  if (request.headers.authorization !== `Bearer ${parts.token}`) throw new Failure(401, 'Unauthorized', 'Unauthorized')
  const found = request.method === 'GET' ? discovery(parts.store.kinds, url.pathname) : undefined
  if (found) return send(response, { status: 200, body: found })
  const target = parseTarget(parts.store.kinds, url.pathname)
  if (!target) throw noPath()
  parts.onRequest?.(request.method ?? '', url.pathname)

  const exchange = { target, query: url.searchParams, request, response }
  const own = parts.subresources[`${target.kind.plural}/${target.subresource}`]
  if (own) return own(exchange)
  const word = `${request.method}${target.name === undefined ? ' all' : ''}`
  const verb = verbs[word]
  if (!verb)
    throw new Failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource')
  const result = await verb(exchange)
  if (result) send(response, result)
}

const HEALTH = new Set(['/healthz', '/livez', '/readyz'])

type Verbs = Readonly<Record<string, (exchange: Exchange) => Promise<Result | undefined>>>

function createVerbs({ store, resources }: ApiParts): Verbs {
  const list = createListing(store)
  const shown = ({ request }: Exchange) => presenterOf(request.headers.accept)
  const ok = (
    exchange: Exchange,
    object: Parameters<ReturnType<typeof presenterOf>['one']>[0],
    status = 200,
  ): Result => ({
    status,
    body: shown(exchange).one(object),
  })
  const named = ({ target }: Exchange) => [target.kind, target.namespace, target.name ?? ''] as const

  async function apply(exchange: Exchange): Promise<Result> {
    const body = await readObject(exchange)
    const manager = exchange.query.get('fieldManager')
    if (!manager) throw managerRequired()
    const force = exchange.query.get('force') === 'true'
    const { object, created } = resources.apply(...named(exchange), body, manager, force, exchange.target.subresource)
    return ok(exchange, object, created ? 201 : 200)
  }

  return {
    'GET all': async (exchange) => {
      const { target, query, request, response } = exchange
      const { kind, namespace } = target
      if (query.get('watch') === 'true' || query.get('watch') === '1') {
        watch(store, { kind, namespace, query, accept: request.headers.accept }, response)
        return undefined
      }
      return { status: 200, body: shown(exchange).list(list(kind, namespace, query)) }
    },
    GET: async (exchange) => ok(exchange, resources.find(...named(exchange))),
    'POST all': async (exchange) => {
      const { kind, namespace } = exchange.target
      return ok(exchange, resources.create(kind, namespace, await readObject(exchange), managerOf(exchange)), 201)
    },
    PUT: async (exchange) => {
      const body = await readObject(exchange)
      const { subresource } = exchange.target
      return ok(exchange, resources.replace(...named(exchange), body, managerOf(exchange), subresource))
    },
    PATCH: async (exchange) => {
      const type = exchange.request.headers['content-type']?.split(';')[0] ?? ''
      if (type === 'application/apply-patch+yaml') return apply(exchange)
      assertPatchType(type)
      const body = await readObject(exchange)
      const edit = (live: unknown) => patched(type, live, body)
      return ok(exchange, resources.change(...named(exchange), managerOf(exchange), edit, exchange.target.subresource))
    },
    DELETE: async (exchange) => ok(exchange, resources.remove(...named(exchange), await deleteOptions(exchange))),
    'DELETE all': async (exchange) => {
      const { kind, namespace } = exchange.target
      const options = await deleteOptions(exchange)
      const found = store.list(kind, namespace).filter(filterOf(exchange.query))
      for (const { metadata } of found) resources.remove(kind, metadata.namespace, metadata.name, options)
      return { status: 200, body: { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success' } }
    },
  }
}

/** As the API does: the query's word, otherwise the name of the client program. */
const managerOf = ({ query, request }: Exchange): string =>
  query.get('fieldManager') || (request.headers['user-agent'] ?? 'unknown').split('/')[0] || 'unknown'

async function deleteOptions({ request, query }: Exchange): Promise<DeleteOptions> {
  const body = ((await readJson(request)) ?? {}) as DeleteOptions
  const grace = query.get('gracePeriodSeconds')
  return {
    ...body,
    ...(query.has('propagationPolicy') ? { propagationPolicy: query.get('propagationPolicy') as Propagation } : {}),
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
  }
}

/** The body of a write. What clients may ask of it beside: no unknown fields (kubectl does). */
async function readObject({ request, query, target: { kind } }: Exchange): Promise<unknown> {
  if (query.has('dryRun')) throw badRequest('the sandbox makes no dry runs')
  const body = await readJson(request)
  if (!kind.custom || query.get('fieldValidation') !== 'Strict' || !isFields(body)) return body
  const unknown: string[] = []
  conformed(kind.custom.schema, body as unknown as KubeObject, (field) => unknown.push(`unknown field "${field}"`))
  if (unknown.length === 0) return body
  const why = `strict decoding error: ${unknown.toSorted().join(', ')}`
  throw badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${why}`)
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > BODY_LIMIT) throw new Failure(413, 'RequestEntityTooLarge', 'Request entity too large: limit is 3145728')
    chunks.push(chunk)
  }
  if (size === 0) return undefined
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw badRequest('the body is not JSON (the sandbox reads no YAML)')
  }
}

function send(response: ServerResponse, { status, body }: Result): void {
  const text = JSON.stringify(body)
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
  response.end(text)
}

function fail(response: ServerResponse, error: unknown): void {
  const failure =
    error instanceof Failure ? error : new Failure(500, 'InternalError', `Internal error occurred: ${String(error)}`)
  if (response.headersSent) return void response.destroy()
  send(response, { status: failure.code, body: statusOf(failure) })
}
