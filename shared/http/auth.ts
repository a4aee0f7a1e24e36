/** Who calls: a bearer token of the realm, checked against its published keys, and what such a caller may do. */
import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose'
import { Fault } from '../platform/fault.ts'
import { type RunGrant, tokenOwner } from '../platform/service-token.ts'
import { type AnalysisId, parseAnalysisId } from '../po/model.ts'
import type { Auth, Route } from '../routes/index.ts'
import type { Config } from '../settings/config.ts'
import { createKeys, fetchKeys } from './keys.ts'

export interface Caller {
  /** The client that the token was issued to (`azp`). */
  readonly clientId: string
  readonly subject: string
  /** Set when the client is an analysis: their clients are named by the analysis id. */
  readonly analysisId: AnalysisId | undefined
  /** Set when a program beside a run of a digital-twin service calls, and what its token is for; null: all of the service. */
  readonly serviceId?: string
  readonly grant?: RunGrant | null
}

/** Who calls where nobody is asked. */
export const NOBODY: Caller = { clientId: '', subject: '', analysisId: undefined }

/** Checks an Authorization header. @throws Fault `unauthenticated`, `forbidden`, `unavailable` */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>

export type AuthConfig = Pick<
  Config,
  'KEYCLOAK_URL' | 'KEYCLOAK_REALM' | 'AUTH_ISSUER' | 'AUTH_AUDIENCE' | 'AUTH_REQUIRED_ROLE'
>

/** Asymmetric ones only: with a shared secret in the list, the public key could be used as one. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512']
const CLOCK_SKEW_SECONDS = 5
const HEADER_TYPES = ['jwt', 'at+jwt', 'application/at+jwt']

const badToken = (cause: unknown) => new Fault('unauthenticated', 'Invalid token', { cause })

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

/**
 * Keycloak signs ID, logout and other tokens with the keys of its access tokens. It names the kind in `typ`; a token
 * without must at least say which client it was issued to, which the others without `typ` do not.
 */
function toCaller(payload: JWTPayload, headerType: string | undefined): Caller {
  const clientId = text(payload['azp']) ?? text(payload['client_id'])
  const kind = text(payload['typ']) ?? 'Bearer'
  if (kind.toLowerCase() !== 'bearer' || payload['at_hash'] !== undefined) throw badToken(`a token of type ${kind}`)
  if (headerType && !HEADER_TYPES.includes(headerType.toLowerCase())) throw badToken(`a header of type ${headerType}`)
  if (!clientId) throw badToken('a token that names no client')
  return { clientId, subject: payload.sub ?? clientId, analysisId: parseAnalysisId(clientId) }
}

function realmRoles(payload: JWTPayload): readonly unknown[] {
  const access = payload['realm_access']
  const roles = access && typeof access === 'object' && 'roles' in access ? access.roles : []
  return Array.isArray(roles) ? roles : []
}

function bearer(authorization: string | undefined): string {
  const token = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  if (!token) throw new Fault('unauthenticated', 'Not authenticated')
  return token
}

/** What `jwtVerify` throws is the token's fault, unless the key server was the reason. */
function toFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  if (error instanceof errors.JWKSInvalid)
    return new Fault('unavailable', 'The key server sent no keys', { cause: error })
  return badToken(error)
}

export function createAuthenticate(config: AuthConfig, keys: JWTVerifyGetKey = keysOf(config)): Authenticate {
  const options: JWTVerifyOptions = {
    algorithms: ALGORITHMS,
    clockTolerance: CLOCK_SKEW_SECONDS,
    requiredClaims: ['exp'],
    ...(config.AUTH_ISSUER && { issuer: config.AUTH_ISSUER }),
    ...(config.AUTH_AUDIENCE && { audience: config.AUTH_AUDIENCE }),
  }
  return async (authorization) => {
    const token = bearer(authorization)
    const { payload, protectedHeader } = await jwtVerify(token, keys, options).catch((error: unknown) => {
      throw toFault(error)
    })
    const caller = toCaller(payload, protectedHeader.typ)
    // Analyses have no roles; what they may do is fixed by the route table.
    if (config.AUTH_REQUIRED_ROLE && !caller.analysisId && !realmRoles(payload).includes(config.AUTH_REQUIRED_ROLE))
      throw new Fault('forbidden', 'The token lacks the required role')
    return caller
  }
}

/** Tokens of digital-twin services, which no realm knows. */
export function createServiceAuthenticate(keys: readonly string[]): Authenticate {
  return async (authorization) => {
    const owner = tokenOwner(keys, bearer(authorization))
    if (!owner) throw badToken('no token of a run')
    return { clientId: '', subject: owner.serviceId, analysisId: undefined, ...owner }
  }
}

/** A route without tokens has no settings to check one with. */
const nobody: Authenticate = () => Promise.reject(new Fault('unauthenticated', 'No token is accepted here'))
const anybody: Authenticate = async () => NOBODY

/** How the callers of a route are known. */
export function authenticateFor(route: Pick<Route, 'auth' | 'openBy'>, config: Config): Authenticate {
  if (route.auth === 'none') return nobody
  if (route.auth === 'service') return createServiceAuthenticate(config.DT_TOKEN_KEY)
  return isOpen(route, config) ? anybody : createAuthenticate(config)
}

/** True where the site lets callers of the API in without a token. */
export const isOpen = ({ openBy }: Pick<Route, 'openBy'>, config: Config): boolean =>
  openBy !== undefined && config[openBy] === 'none'

function keysOf({ KEYCLOAK_URL, KEYCLOAK_REALM }: AuthConfig): JWTVerifyGetKey {
  const url = new URL(`${KEYCLOAK_URL}/realms/${encodeURIComponent(KEYCLOAK_REALM)}/protocol/openid-connect/certs`)
  return createKeys(() => fetchKeys(url))
}

/** @throws Fault `forbidden` when an analysis calls what is not for analyses */
export function assertMayCall(auth: Auth, { analysisId }: Caller): void {
  if (analysisId && auth !== 'analysis') throw new Fault('forbidden', 'Analyses may not do this')
}

/** @throws Fault `forbidden` when an analysis writes in another one's name */
export function assertOwn({ analysisId }: Caller, body: unknown): void {
  if (!analysisId) return
  const claimed = body && typeof body === 'object' && 'analysis_id' in body ? body.analysis_id : undefined
  if (typeof claimed !== 'string' || parseAnalysisId(claimed) !== analysisId)
    throw new Fault('forbidden', 'Analyses may write only their own logs')
}

/** @throws Fault `forbidden` when the token of a service names another one than the path does */
export function assertOwnService({ serviceId }: Caller, params: Readonly<Record<string, string>>): void {
  if (serviceId !== undefined && params['service_id'] !== serviceId)
    throw new Fault('forbidden', 'The token is that of another service')
}
