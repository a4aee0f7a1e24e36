/** Clients and tokens of analyses at Keycloak. */
import type { AnalysisId } from '../model.ts'

export interface Token {
  readonly value: string
  readonly expiresAt: Date
}

export interface Identity {
  /** Creates the client of the analysis if it does not exist, and issues a token for it; never an empty one. */
  issueToken(id: AnalysisId): Promise<Token>
  /** Issues a token for the client of an analysis; undefined when there is none. */
  tokenOf(id: AnalysisId): Promise<Token | undefined>
  /** Deletes the client of an analysis; false when there is none. */
  removeClient(id: AnalysisId): Promise<boolean>
  /** Ids of all clients of analyses (name begins with `flame-`), from all pages. */
  listClients(): Promise<AnalysisId[]>
}
