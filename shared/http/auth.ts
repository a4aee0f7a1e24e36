/** Bearer tokens: taken from a request, and those of the realm checked against its published keys. */
import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose'
import { Fault } from '../platform/fault.ts'
import type { Config } from '../settings/config.ts'
import { createKeys, fetchKeys } from './keys.ts'

/**
 * From a bearer token and the parameters of the path to the caller.
 * @throws Fault `unauthenticated`, `forbidden`, `unavailable`
 */
export type Authenticate<Caller> = (token: string, params: Readonly<Record<string, string>>) => Promise<Caller>

/** How the callers of a route are authenticated. A feature decides what it knows of them. */
export type Callers<Caller> = (config: Config) => Authenticate<Caller>

/** What a token of the realm says of its holder. */
interface Holder {
  /** The client that the token was issued to. */
  readonly clientId: string
  /** The user or service account that the token is about; the client if it names none. */
  readonly subject: string
  readonly roles: readonly unknown[]
}

export type VerifyToken = (token: string) => Promise<Holder>

export type RealmConfig = Pick<Config, 'KEYCLOAK_URL' | 'KEYCLOAK_REALM' | 'AUTH_ISSUER' | 'AUTH_AUDIENCE'>

/** Asymmetric ones only: with HMAC in the list, the public key could be used as the shared secret. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512']
const CLOCK_SKEW_SECONDS = 5
const HEADER_TYPES = ['jwt', 'at+jwt', 'application/at+jwt']

/** @param cause why, for the log */
export const badToken = (cause: unknown): Fault => new Fault('unauthenticated', 'Invalid token', { cause })

/** Accepts no token. */
export const noCallers: Callers<never> = () => () =>
  Promise.reject(new Fault('unauthenticated', 'No token is accepted here'))

/** @throws Fault `unauthenticated` where the header holds no bearer token */
export function bearerToken(authorization: string | undefined): string {
  const token = /^bearer +(\S+) *$/i.exec(authorization ?? '')?.[1]
  if (!token) throw new Fault('unauthenticated', 'Not authenticated')
  return token
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

function realmRoles(payload: JWTPayload): readonly unknown[] {
  const access = payload['realm_access']
  const roles = access && typeof access === 'object' && 'roles' in access ? access.roles : []
  return Array.isArray(roles) ? roles : []
}

/**
 * Keycloak signs ID, logout and other tokens with the keys of its access tokens. `typ` names the kind; a token without `typ`
 * must name the client that it was issued to, which the other kinds do not.
 */
function toHolder(payload: JWTPayload, headerType: string | undefined): Holder {
  const clientId = text(payload['azp']) ?? text(payload['client_id'])
  const kind = text(payload['typ']) ?? 'Bearer'
  if (kind.toLowerCase() !== 'bearer' || payload['at_hash'] !== undefined) throw badToken(`a token of type ${kind}`)
  if (headerType && !HEADER_TYPES.includes(headerType.toLowerCase())) throw badToken(`a header of type ${headerType}`)
  if (!clientId) throw badToken('a token that names no client')
  return { clientId, subject: text(payload.sub) ?? clientId, roles: realmRoles(payload) }
}

/** An error of `jwtVerify` means a bad token, unless the key server caused it. */
function toFault(error: unknown): Fault {
  if (error instanceof Fault) return error
  if (error instanceof errors.JWKSInvalid)
    return new Fault('unavailable', 'The key server sent no keys', { cause: error })
  return badToken(error)
}

export function createVerify(config: RealmConfig, keys: JWTVerifyGetKey = keysOf(config)): VerifyToken {
  const options: JWTVerifyOptions = {
    algorithms: ALGORITHMS,
    clockTolerance: CLOCK_SKEW_SECONDS,
    requiredClaims: ['exp'],
    ...(config.AUTH_ISSUER && { issuer: config.AUTH_ISSUER }),
    ...(config.AUTH_AUDIENCE && { audience: config.AUTH_AUDIENCE }),
  }
  return async (token) => {
    const { payload, protectedHeader } = await jwtVerify(token, keys, options).catch((error: unknown) => {
      throw toFault(error)
    })
    return toHolder(payload, protectedHeader.typ)
  }
}

function keysOf({ KEYCLOAK_URL, KEYCLOAK_REALM }: RealmConfig): JWTVerifyGetKey {
  const url = new URL(`${KEYCLOAK_URL}/realms/${encodeURIComponent(KEYCLOAK_REALM)}/protocol/openid-connect/certs`)
  return createKeys(() => fetchKeys(url))
}
