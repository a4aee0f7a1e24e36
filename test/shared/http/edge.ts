/** A caller's side for tests of the edge: a realm key, tokens of any kind, and a server around one function. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { createVerify } from '../../../shared/http/auth.ts'
import { type BoundSettings, createBounds } from '../../../shared/http/bounds.ts'
import type { Edge } from '../../../shared/http/edge.ts'
import type { HttpFunction } from '../../../shared/http/register.ts'
import { createLogger } from '../../../shared/log.ts'
import { authenticateClient, authenticateUser, type RealmClient } from '../../../shared/wire/auth.ts'

export type AuthConfig = Parameters<typeof authenticateClient>[0]

export const AUTH: AuthConfig = {
  KEYCLOAK_URL: 'http://127.0.0.1:9',
  KEYCLOAK_REALM: 'flame',
  AUTH_ISSUER: '',
  AUTH_AUDIENCE: '',
  AUTH_REQUIRED_ROLE: '',
}

export const BOUNDS: BoundSettings = {
  BODY_MEMORY_MIB: 32,
  BODY_TIMEOUT: 30,
  TRANSFERS_MAX: 100,
  TRANSFER_MIN_KIB: 64,
}

export interface Line {
  readonly [field: string]: unknown
}

/** A log that is kept instead of printed. */
export function captureLog(level = 'debug', name = 'test') {
  const text: string[] = []
  const destination = { write: (line: string) => void text.push(line) }
  return {
    log: createLogger(name, { level, destination }),
    text: () => text.join(''),
    lines: (): Line[] => text.map((line) => JSON.parse(line) as Line),
  }
}

export async function createRealm(config: Partial<AuthConfig> = {}) {
  const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'realm-key', alg: 'RS256', use: 'sig' }
  const logs = captureLog()
  const settings = { ...AUTH, ...config }
  const verify = createVerify(settings, createLocalJWKSet({ keys: [jwk] }))
  const edge: Edge<RealmClient> = {
    authenticate: authenticateUser(settings, verify),
    corsOrigins: ['http://localhost:8080'],
    isOpen: false,
    prefix: '',
    fileLimit: 1024 * 1024 * 1024,
    bounds: createBounds(BOUNDS),
    log: logs.log,
    access: logs.log,
  }
  const token = (claims: JWTPayload = {}): Promise<string> =>
    new SignJWT({ azp: 'hub-adapter', sub: 'someone', typ: 'Bearer', ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'realm-key', typ: 'JWT' })
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey)
  /** Of a route that analyses may call as well. */
  const analysisEdge: Edge<RealmClient> = { ...edge, authenticate: authenticateClient(settings, verify) }
  return { edge, analysisEdge, verify, logs, token, privateKey, publicKey, jwk }
}

export type Realm = Awaited<ReturnType<typeof createRealm>>

/** Serves a function on a free port of its own, as the production entry does, for as long as the scope lasts. */
export async function serveFunction(fn: HttpFunction) {
  const server = createServer((request, response) => void fn(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
