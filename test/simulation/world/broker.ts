/** The message broker: it wants a token of the analysis before it forgets what that subscribed to, and may refuse to. */
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
