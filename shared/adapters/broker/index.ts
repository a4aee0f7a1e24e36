/**
 * Deletes the subscriptions of an ended analysis at the node's message broker.
 *
 * The API server's service proxy removes the `Authorization` header. A broker that checks tokens then refuses the call, and
 * the subscriptions stay until the broker deletes them itself.
 */
import { expectOk } from '../../platform/http-client.ts'
import type { Broker } from '../../po/ports/broker.ts'
import type { PeerService } from '../../po/ports/cluster.ts'
import { createReach, type Reach } from '../reach.ts'

type BrokerOptions = Reach & {
  /** The broker's Service; undefined if the node has none. */
  readonly peer: () => Promise<PeerService | undefined>
  readonly deadlineMs?: number
}

const SYSTEM = 'The message broker'
const DOING = 'end the subscriptions of an analysis'
const LIMIT_BYTES = 64 * 1024

export function createBroker(options: BrokerOptions): Broker {
  const reach = createReach(options, {
    system: SYSTEM,
    deadlineMs: options.deadlineMs ?? 5_000,
    limitBytes: LIMIT_BYTES,
  })

  return {
    async unsubscribe(id, tokenOf) {
      const peer = await options.peer()
      if (!peer) return
      const token = await tokenOf()
      if (!token) return
      const answer = await reach(
        {
          service: peer.name,
          port: peer.port,
          path: `/analyses/${id}/messages/subscriptions`,
          method: 'DELETE',
          headers: { authorization: `Bearer ${token.value}` },
        },
        DOING,
      )
      if (answer.status !== 404) expectOk(SYSTEM, DOING, answer)
    },
  }
}
