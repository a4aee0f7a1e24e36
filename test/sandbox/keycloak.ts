/**
 * A stand-in for Keycloak on a bare machine: real RS256 keys, the token endpoint, and the admin API for clients, each
 * answering as Keycloak 26 does. It is trusted as far as `test/conformance/identity.ts` goes, which the real one passes too.
 *
 * Owns: one realm in memory. May import: jose and the other files of the sandbox.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { createAdminApi } from './keycloak-admin.ts'
import { createTokenEndpoint } from './keycloak-grants.ts'
import { createKeys, type Keys, type MintOptions } from './keycloak-tokens.ts'
import { type Incoming, type Reply, type StandIn, startStandIn } from './stand-in.ts'

export interface RealmClient {
  readonly id: string
  readonly clientId: string
  readonly name?: string
  readonly enabled: boolean
  readonly publicClient: boolean
  /** Absent for public clients. */
  readonly secret?: string
  readonly serviceAccountsEnabled: boolean
  readonly standardFlowEnabled: boolean
  readonly directAccessGrantsEnabled: boolean
  /** Its service account has the realm-management roles for clients. */
  readonly managesClients: boolean
}

export interface RealmUser {
  readonly username: string
  readonly password: string
  readonly sub: string
}

/** Every field but the client id has a default: a confidential client with a generated secret and a service account. */
export type ClientSeed = { readonly clientId: string } & Partial<RealmClient>

export interface KeycloakOptions {
  readonly port?: number
  readonly realm?: string
  /** Relative path, such as `/keycloak`. */
  readonly path?: string
  readonly clients?: readonly ClientSeed[]
  readonly users?: readonly { readonly username: string; readonly password?: string }[]
  readonly tokenLifetimeSeconds?: number
  /** Made before, for a file that starts many: new RSA keys take their time. */
  readonly keys?: Keys
  readonly latencyMs?: number
  readonly now?: () => Date
}

export interface Realm {
  readonly issuer: string
  readonly clients: Map<string, RealmClient>
  readonly users: ReadonlyMap<string, RealmUser>
  readonly tokenLifetimeSeconds: number
  readonly now: () => Date
}

export interface Keycloak extends StandIn {
  /** Base URL with the relative path: what `KEYCLOAK_URL` names. */
  readonly url: string
  readonly realm: string
  readonly issuer: string
  /** The clients there are now. */
  clients(): RealmClient[]
  /** Secret of a client. */
  secretOf(clientId: string): string
  passwordOf(username: string): string
  /** Puts a client into the realm, over one with the same client id. */
  addClient(seed: ClientSeed): RealmClient
  /** A token with the realm's key and exactly these claims, or with another key or algorithm. */
  mint(claims: Readonly<Record<string, unknown>>, options?: MintOptions): Promise<string>
  /** A new signing key. Tokens of the former keys stay good unless `dropOld`. */
  rotateKeys(options?: { readonly dropOld?: boolean }): Promise<void>
}

const DEFAULT_CLIENTS: readonly ClientSeed[] = [
  { clientId: 'service1', name: 'pod orchestration', managesClients: true },
  { clientId: 'hub-adapter', name: 'hub adapter' },
  { clientId: 'node-ui', publicClient: true, directAccessGrantsEnabled: true, serviceAccountsEnabled: false },
]

export async function startKeycloak(options: KeycloakOptions = {}): Promise<Keycloak> {
  const { realm = 'flame', path = '', tokenLifetimeSeconds = 7200, now = () => new Date() } = options
  const keys = options.keys ?? (await createKeys())
  const clients = new Map<string, RealmClient>()
  const users = new Map((options.users ?? [{ username: 'researcher' }]).map((user) => [user.username, makeUser(user)]))

  const addClient = (seed: ClientSeed): RealmClient => {
    const client = makeClient(seed)
    clients.set(client.clientId, client)
    return client
  }
  for (const seed of options.clients ?? DEFAULT_CLIENTS) addClient(seed)

  const state: { handle: (request: Incoming) => Reply | Promise<Reply> } = { handle: () => ({ status: 503 }) }
  const standIn = await startStandIn({
    port: options.port ?? 0,
    latencyMs: options.latencyMs ?? 0,
    handle: (request) => state.handle(request),
  })
  const url = `${standIn.url}${path}`
  const realmSegment = encodeURIComponent(realm)
  const issuer = `${url}/realms/${realmSegment}`
  const world: Realm = { issuer, clients, users, tokenLifetimeSeconds, now }
  const grant = createTokenEndpoint(world, keys)
  const admin = createAdminApi(world, keys, `${url}/admin/realms/${realmSegment}/clients`)

  const realmPath = `${path}/realms/${realmSegment}`
  const oidc = `${realmPath}/protocol/openid-connect`
  const pages = new Map<string, (request: Incoming) => Reply | Promise<Reply>>([
    [`POST ${oidc}/token`, (request) => grant(new URLSearchParams(request.text))],
    [`GET ${oidc}/certs`, () => ({ status: 200, body: keys.jwks() })],
    [`GET ${realmPath}`, () => ({ status: 200, body: { realm, 'token-service': oidc } })],
    [`GET ${realmPath}/.well-known/openid-configuration`, () => ({ status: 200, body: discovery(issuer) })],
  ])
  state.handle = (request) => {
    const at = request.url.pathname
    if (at.startsWith(`${path}/admin/realms/${realmSegment}/clients`)) return admin(request)
    const page = pages.get(`${request.method} ${at}`)
    return page ? page(request) : notFound(at, realmPath)
  }

  return {
    ...standIn,
    url,
    realm,
    issuer,
    clients: () => [...clients.values()],
    secretOf: (clientId) => clients.get(clientId)?.secret ?? '',
    passwordOf: (username) => users.get(username)?.password ?? '',
    addClient,
    mint: keys.sign,
    rotateKeys: ({ dropOld = false } = {}) => keys.rotate(dropOld),
  }
}

export function makeClient(seed: ClientSeed): RealmClient {
  const publicClient = seed.publicClient ?? false
  return {
    id: randomUUID(),
    enabled: true,
    serviceAccountsEnabled: !publicClient,
    standardFlowEnabled: false,
    directAccessGrantsEnabled: false,
    managesClients: false,
    ...(publicClient ? {} : { secret: randomBytes(24).toString('base64url') }),
    ...seed,
    publicClient,
  }
}

const makeUser = (seed: { readonly username: string; readonly password?: string }): RealmUser => ({
  username: seed.username,
  password: seed.password ?? randomBytes(12).toString('base64url'),
  sub: randomUUID(),
})

const notFound = (at: string, realmPath: string): Reply => ({
  status: 404,
  body: { error: at.includes('/realms/') && !at.startsWith(realmPath) ? 'Realm does not exist' : 'HTTP 404 Not Found' },
})

const discovery = (issuer: string) => ({
  issuer,
  token_endpoint: `${issuer}/protocol/openid-connect/token`,
  jwks_uri: `${issuer}/protocol/openid-connect/certs`,
  grant_types_supported: ['client_credentials', 'password'],
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
})
