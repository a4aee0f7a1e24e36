/** The message broker of the node. */
import type { AnalysisId } from '../model.ts'
import type { Token } from './identity.ts'

export interface Broker {
  /**
   * Deletes what the analysis subscribed to at the message broker, in its name. Unknown subscriptions are no error.
   * Without a broker there is nothing to do, and no token is asked for; nor is there without a token.
   */
  unsubscribe(id: AnalysisId, token: () => Promise<Token | undefined>): Promise<void>
}
