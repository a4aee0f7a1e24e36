/** The message broker: it wants a token of the analysis before it forgets what that subscribed to. */
import type { Broker } from '../../../shared/po/ports.ts'
import type { Request } from './identity.ts'

export const brokerOver = (request: Request): Broker => ({
  unsubscribe: async (id, token) => {
    await token()
    await request('unsubscribe', [id], async () => undefined)
  },
})
