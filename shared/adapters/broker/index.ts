/**
 * Deletes the subscriptions of an ended analysis at the node's message broker.
 *
 * The API server's service proxy removes the `Authorization` header. A broker that checks tokens then refuses the call, and
 * the subscriptions stay until the broker deletes them itself.
 */
import { createHttpClient, expectOk } from '../../platform/http-client.ts'
import type { Broker } from '../../po/ports/broker.ts'
import type { PeerService } from '../../po/ports/cluster.ts'
import type { Reach } from '../reach.ts'

type BrokerOptions = Reach & {
  /** The broker's Service; undefined if the node has none. */
  readonly peer: () => Promise<PeerService | undefined>
  readonly deadlineMs?: number
}

const SYSTEM = 'The message broker'
const DOING = 'end the subscriptions of an analysis'
const LIMIT_BYTES = 64 * 1024

export function createBroker({ send, urlOf, peer: findPeer, deadlineMs = 5_000 }: BrokerOptions): Broker {
  const ask = createHttpClient({ system: SYSTEM, deadlineMs, limitBytes: LIMIT_BYTES, send })
  return {
    async unsubscribe(id, tokenOf) {
      const peer = await findPeer()
      if (!peer) return
      const token = await tokenOf()
      if (!token) return
      const url = `${urlOf(peer.name, peer.port)}/analyses/${id}/messages/subscriptions`
      const headers = { authorization: `Bearer ${token.value}` }
      const answer = await ask({ method: 'DELETE', url, headers }, DOING)
      if (answer.status !== 404) expectOk(SYSTEM, DOING, answer)
    },
  }
}
