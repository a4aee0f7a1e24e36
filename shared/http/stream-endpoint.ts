/**
 * `streamEndpoint()` makes a function whose bodies are files: `endpoint()` in all that surrounds the use case, but that the
 * body of the request is handed on as it comes, and that the answer may be bytes. A route says that it takes files by
 * `body: 'stream'`; others may only send some.
 *
 * Under the functions framework's own server a body was read into memory before; it is handed on all the same.
 */
import type { Route } from '../routes/index.ts'
import { BODY_LIMIT, hasBody, readBody } from './body.ts'
import type { Share } from './bounds.ts'
import { type Bytes, bodyOf } from './bytes.ts'
import { createEdge, type Edge } from './edge.ts'
import { checkedHead, type Request, type Wired } from './endpoint.ts'
import { exchange, type Incoming, once, type Reply } from './exchange.ts'
import type { HttpFunction } from './register.ts'
import type { Checks } from './schemas.ts'

export interface StreamRequest<Params, Query, Caller> extends Request<Params, Query, undefined, Caller> {
  /** The body as it comes; nothing for a route that takes no files. */
  readonly content: Bytes
  /** Bytes of the largest file that is taken. A form around it may be a little larger. */
  readonly fileLimit: number
}

export interface StreamOptions<Deps, Caller> {
  /** Runs when the answer is out. Its failure is logged and has no other effect. */
  readonly afterAnswer?: (deps: Deps) => Promise<unknown>
  readonly edge?: () => Edge<Caller>
}

export function streamEndpoint<Deps, Caller, Params = object, Query = object>(
  route: Route,
  schemas: Checks<Params, Query, undefined>,
  handle: (deps: Deps, request: StreamRequest<Params, Query, Caller>) => Promise<Reply>,
  deps: Wired<Deps, Caller>,
  options: StreamOptions<Deps, Caller> = {},
): HttpFunction {
  const edge = once(options.edge ?? (() => createEdge(route, deps)))
  const resources = once(deps)
  const { afterAnswer } = options

  const takesFiles = route.body === 'stream'
  const contentOf = async ({ request }: Incoming, limit: number, share: Share): Promise<Bytes> => {
    const { bounds } = edge()
    if (!takesFiles) {
      await readBody(request, { keep: false, share, deadlineMs: bounds.bodyMs })
      return nothing()
    }
    if (hasBody(request)) share.add(1)
    return bodyOf(request, limit, { leastBytes: bounds.transferBytes })
  }

  const respond = async (incoming: Incoming): Promise<Reply> => {
    const { fileLimit, bounds } = edge()
    const limit = takesFiles ? fileLimit + BODY_LIMIT : BODY_LIMIT
    const head = await checkedHead(route, schemas, edge(), incoming, limit)
    const share = bounds.transfers()
    try {
      const content = await contentOf(incoming, limit, share)
      const reply = await handle(resources(), { ...head, body: undefined, content, fileLimit })
      return afterAnswer ? { ...reply, after: async () => void (await afterAnswer(resources())) } : reply
    } finally {
      share.release()
    }
  }
  return exchange(route, edge, { failures: schemas.failures, respond })
}

async function* nothing(): Bytes {}
