/** The message broker: it requires a token of the analysis to delete its subscriptions, and may refuse. */
import { Fault } from '../../../shared/platform/fault.ts'
import type { Broker } from '../../../shared/po/ports/broker.ts'
import type { Request } from './identity.ts'

export const brokerOver = (request: Request, refuses: () => boolean): Broker => ({
  unsubscribe: async (id, token) => {
    await token()
    await request('unsubscribe', [id], async () => {
      if (refuses()) throw new Fault('refused', 'not this subscription')
    })
  },
})
