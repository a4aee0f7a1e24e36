/**
 * `eventEndpoint()` makes a function that is sent CloudEvents. An event says *look*; what happened is read from the
 * world. So the answer only tells the sender whether to send again:
 *
 * - 204, empty: seen. A body would be taken for a reply event by a Trigger, and fail the delivery.
 * - 400: that was no event, or one about nothing (`Fault` `bad_request`); it will be no other next time.
 * - 408, 413: its body did not arrive, or is too large.
 * - 503: the work could not begin, or there is no room for its body (`Fault` `unavailable`); the sender retries or the next tick does.
 * - 500: a defect. A PingSource does not retry it, a broker does. Never 409, which brokers take for "send again".
 *
 * It may import `shared/http`, `routes`, `log`, `fault`; never a use case.
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

const SEEN: Reply = { status: 204 }

/** What of an event stands in the log: its attributes may be as long as its body. */
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

  const seen = async (event: CloudEvent): Promise<Reply> => {
    try {
      await handle(resources(), event)
      return SEEN
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
      return await seen(event)
    } finally {
      share.release()
    }
  }
  return exchange(route, edge, { failures: ['Error handling the event'], respond })
}
