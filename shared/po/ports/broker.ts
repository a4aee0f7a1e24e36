/** The message broker of the node. */
import type { AnalysisId } from '../model.ts'
import type { Token } from './identity.ts'

export interface Broker {
  /**
   * Deletes the subscriptions of an analysis with a token of its own; having none is no error. Does nothing without a token,
   * and without a broker, for which it requests no token.
   */
  unsubscribe(id: AnalysisId, token: () => Promise<Token | undefined>): Promise<void>
}
