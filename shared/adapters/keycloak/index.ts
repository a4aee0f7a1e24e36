/**
 * Identity by Keycloak: one confidential client per analysis. The client id is the analysis id, because other services of a
 * node identify an analysis by the `azp` of its token.
 *
 * A first token takes three round trips (look up, create, token), later ones two. Each has the deadline.
 */
import { randomBytes } from 'node:crypto'
import { Fault } from '../../platform/fault.ts'
import { createHttpClient, type Send } from '../../platform/http-client.ts'
import { type AnalysisId, parseAnalysisId } from '../../po/model.ts'
import type { Identity, Token } from '../../po/ports/identity.ts'
import { askToken } from '../bearer.ts'
import { type ClientRow, createClients } from './clients.ts'

export interface IdentityOptions {
  /** Base URL, including Keycloak's relative path. */
  readonly url: string
  readonly realm: string
  /** A client that may manage clients. */
  readonly clientId: string
  readonly clientSecret: string
  readonly now?: () => Date
  readonly send?: Send
  /** Of each round trip. */
  readonly deadlineMs?: number
  /** Secret of a new client. */
  readonly newSecret?: () => string
}

const SYSTEM = 'Keycloak'

export function createIdentity(options: IdentityOptions): Identity {
  const { now = () => new Date(), newSecret = () => randomBytes(32).toString('base64url') } = options
  const realm = encodeURIComponent(options.realm)
  const ask = createHttpClient({
    system: SYSTEM,
    deadlineMs: options.deadlineMs ?? 5_000,
    ...(options.send ? { send: options.send } : {}),
  })

  const tokenFor = (clientId: string, clientSecret: string, doing: string): Promise<Token> => {
    const form = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret }
    const request = {
      url: `${options.url}/realms/${realm}/protocol/openid-connect/token`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    }
    return askToken(ask, request, { system: SYSTEM, doing, now })
  }

  const clients = createClients({
    system: SYSTEM,
    base: `${options.url}/admin/realms/${realm}/clients`,
    ask,
    now,
    requestToken: () => tokenFor(options.clientId, options.clientSecret, 'issue the token of the orchestrator'),
  })

  const ensureSecret = async (id: AnalysisId): Promise<string> => {
    const found = await clients.find(id)
    if (found) return clients.secretOf(found)
    const secret = newSecret()
    if (await clients.create(clientOf(id, secret))) return secret
    // Another process created it between the two calls, with another secret.
    const existing = await clients.find(id)
    if (existing) return clients.secretOf(existing)
    throw new Fault('unavailable', `${SYSTEM} knows the client of the analysis and does not show it`)
  }

  const analysisToken = (id: AnalysisId, secret: string) => tokenFor(id, secret, 'issue the token of an analysis')

  return {
    issueToken: async (id) => analysisToken(id, await ensureSecret(id)),

    tokenOf: async (id) => {
      const found = await clients.find(id)
      return found && analysisToken(id, await clients.secretOf(found))
    },

    removeClient: async (id) => {
      const found = await clients.find(id)
      return found ? clients.remove(found) : false
    },

    listClients: async () => [...new Set((await clients.list()).flatMap(analysisIdOf))],
  }
}

const NAME_PREFIX = 'flame-'

const clientOf = (id: AnalysisId, secret: string) => ({
  clientId: id,
  name: `${NAME_PREFIX}${id}`,
  protocol: 'openid-connect',
  enabled: true,
  publicClient: false,
  clientAuthenticatorType: 'client-secret',
  secret,
  serviceAccountsEnabled: true,
  standardFlowEnabled: false,
  implicitFlowEnabled: false,
  directAccessGrantsEnabled: false,
})

function analysisIdOf(row: ClientRow): readonly AnalysisId[] {
  const id = row.name.startsWith(NAME_PREFIX) ? parseAnalysisId(row.clientId) : undefined
  return id ? [id] : []
}
