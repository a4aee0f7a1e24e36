/**
 * Authenticates the kinds of callers in the route table: from a bearer token to the caller that a use case sees, or a refusal.
 */
import { type Access, parseObjectId } from '../files/model.ts'
import {
  type Authenticate,
  badToken,
  type Callers,
  createVerify,
  noCallers,
  type RealmConfig,
  type VerifyToken,
} from '../http/auth.ts'
import { Fault } from '../platform/fault.ts'
import { tokenOwner } from '../platform/service-token.ts'
import { type AnalysisId, parseAnalysisId } from '../po/model.ts'
import type { Auth } from '../routes/index.ts'
import type { Config } from '../settings/config.ts'

/** A client of the realm. */
export interface RealmClient {
  /** Set for the client of an analysis, whose name is the analysis id. */
  readonly analysisId: AnalysisId | undefined
  /** The user or service account that the token is about. */
  readonly subject: string
}

export interface CallerOf {
  readonly none: undefined
  readonly user: RealmClient
  readonly analysis: RealmClient
  /** Undefined where the site requires no token. */
  readonly dt: RealmClient | undefined
  readonly service: Access
}

type ClientConfig = RealmConfig & Pick<Config, 'AUTH_REQUIRED_ROLE'>

/** Analyses have no roles: the route table decides what they may do. */
export function authenticateClient(
  config: ClientConfig,
  verify: VerifyToken = createVerify(config),
): Authenticate<RealmClient> {
  const { AUTH_REQUIRED_ROLE: role } = config
  return async (token) => {
    const { clientId, subject, roles } = await verify(token)
    const analysisId = parseAnalysisId(clientId)
    if (role && !analysisId && !roles.includes(role)) throw new Fault('forbidden', 'The token lacks the required role')
    return { analysisId, subject }
  }
}

/** Any client but an analysis. */
export function authenticateUser(config: ClientConfig, verify?: VerifyToken): Authenticate<RealmClient> {
  const authenticate = authenticateClient(config, verify)
  return async (token, params) => {
    const client = await authenticate(token, params)
    if (client.analysisId) throw new Fault('forbidden', 'Analyses may not do this')
    return client
  }
}

/** Runs of digital-twin services. Their tokens are not of the realm, and valid for their own service only. */
export function authenticateRun({ DT_TOKEN_KEY }: Pick<Config, 'DT_TOKEN_KEY'>): Authenticate<Access> {
  return async (token, { service_id: wanted }) => {
    const owner = tokenOwner(DT_TOKEN_KEY, token)
    const serviceId = owner && parseObjectId(owner.serviceId)
    if (!owner || !serviceId) throw badToken('no token of a run')
    if (wanted !== serviceId) throw new Fault('forbidden', 'The token is that of another service')
    return { serviceId, grant: owner.grant }
  }
}

const CALLERS: { readonly [Kind in Auth]: Callers<CallerOf[Kind]> } = {
  none: noCallers,
  user: (config) => authenticateUser(config),
  analysis: (config) => authenticateClient(config),
  dt: (config) => authenticateUser(config),
  service: authenticateRun,
}

export const callersOf = <Kind extends Auth>(auth: Kind): Callers<CallerOf[Kind]> => CALLERS[auth]
