/**
 * `eventEndpoint()` makes a function that receives CloudEvents. An event only says what to reconcile; the function reads the
 * state itself. The answer tells the sender whether to retry:
 *
 * - 204, empty: handled. A Trigger would take a body for a reply event, and the delivery would fail.
 * - 400: not an event, or one without a known subject (`Fault` `bad_request`). A retry would change nothing.
 * - 408, 413: its body did not arrive, or is too large.
 * - 503: the work could not begin, or there is no room for the body (`Fault` `unavailable`). The sender retries, or the next
 *   tick does the work.
 * - 500: a defect. A broker retries it, a PingSource does not. Never 409, after which brokers retry.
 */
import type { CloudEvent } from 'cloudevents'
import { readBody } from '../http/body.ts'
import { createEdge, type Edge } from '../http/edge.ts'
import { exchange, type Incoming, once } from '../http/exchange.ts'
import type { HttpFunction } from '../http/register.ts'
import type { Reply } from '../http/reply.ts'
import { Fault, isFault } from '../platform/fault.ts'
import type { Route } from '../routes/index.ts'
import { parseEvent } from './cloud-event.ts'

const HANDLED: Reply = { status: 204 }

/** For the log: attributes of an event may be as long as its body. */
const brief = ({ id, type, source }: CloudEvent) => ({
  id: id.slice(0, 200),
  type: type.slice(0, 200),
  source: source.slice(0, 200),
})

const asDefect = (error: unknown): Fault =>
  isFault(error, 'unavailable', 'bad_request')
    ? error
    : new Fault('unexpected', 'The event could not be handled', { cause: error })

export function eventEndpoint<Deps>(
  route: Route,
  handle: (deps: Deps, event: CloudEvent) => Promise<unknown>,
  deps: () => Deps,
  options: { readonly edge?: () => Edge } = {},
): HttpFunction {
  const edge = once(options.edge ?? (() => createEdge(route)))
  const resources = once(deps)

  const handled = async (event: CloudEvent): Promise<Reply> => {
    try {
      await handle(resources(), event)
      return HANDLED
    } catch (error) {
      throw asDefect(error)
    }
  }
  const respond = async ({ request, requestId, log }: Incoming): Promise<Reply> => {
    const { bodies, bodyMs } = edge().bounds
    const share = bodies()
    try {
      const event = parseEvent(request.headers, await readBody(request, { share, deadlineMs: bodyMs }))
      log.debug({ requestId, event: brief(event) }, 'event received')
      return await handled(event)
    } finally {
      share.release()
    }
  }
  return exchange(route, edge, { failures: ['Error handling the event'], respond })
}
