/** The admin API for clients of the Keycloak stand-in. */
import { makeClient, type Realm, type RealmClient } from './keycloak.ts'
import type { Keys } from './keycloak-tokens.ts'
import type { Incoming, Reply } from './stand-in.ts'

const MAX_ROWS = 100_000

/** `base` is the full URL of the collection. */
export function createAdminApi(realm: Realm, keys: Keys, base: string) {
  const list = (query: URLSearchParams): Reply => {
    const wanted = query.get('clientId')
    const rows = [...realm.clients.values()]
      .filter(({ clientId }) => wanted === null || clientId === wanted)
      .sort((a, b) => (a.clientId < b.clientId ? -1 : 1))
    const first = Number(query.get('first') ?? 0)
    return { status: 200, body: rows.slice(first, first + Number(query.get('max') ?? MAX_ROWS)).map(representation) }
  }

  const create = (text: string): Reply => {
    const body = parseObject(text)
    if (!body) {
      return { status: 400, body: { error: 'HTTP 400 Bad Request', error_description: 'Cannot parse the JSON' } }
    }
    const clientId = String(body['clientId'] ?? '')
    if (realm.clients.has(clientId)) {
      return { status: 409, body: { errorMessage: `Client ${clientId} already exists` } }
    }
    const client = makeClient({
      clientId,
      enabled: flag(body, 'enabled', true),
      publicClient: flag(body, 'publicClient', false),
      serviceAccountsEnabled: flag(body, 'serviceAccountsEnabled', false),
      standardFlowEnabled: flag(body, 'standardFlowEnabled', true),
      directAccessGrantsEnabled: flag(body, 'directAccessGrantsEnabled', false),
      ...(typeof body['name'] === 'string' ? { name: body['name'] } : {}),
      ...(typeof body['secret'] === 'string' ? { secret: body['secret'] } : {}),
    })
    realm.clients.set(clientId, client)
    return { status: 201, headers: { location: `${base}/${client.id}` } }
  }

  const one = (method: string, client: RealmClient, rest: string): Reply => {
    if (method === 'DELETE' && rest === '') {
      realm.clients.delete(client.clientId)
      return { status: 204 }
    }
    if (method === 'GET' && rest === '') return { status: 200, body: representation(client) }
    if (method === 'GET' && rest === '/client-secret') {
      return { status: 200, body: { type: 'secret', ...(client.secret ? { value: client.secret } : {}) } }
    }
    return { status: 405, body: { error: 'HTTP 405 Method Not Allowed' } }
  }

  const route = ({ method, url, text }: Incoming): Reply => {
    const path = url.pathname.slice(new URL(base).pathname.length)
    const [, uuid, rest] = /^\/([^/]+)(.*)$/.exec(path) ?? []
    if (uuid !== undefined) {
      const client = [...realm.clients.values()].find(({ id }) => id === uuid)
      return client ? one(method, client, rest ?? '') : { status: 404, body: { error: 'Could not find client' } }
    }
    if (method === 'GET') return list(url.searchParams)
    return method === 'POST' ? create(text) : { status: 405, body: { error: 'HTTP 405 Method Not Allowed' } }
  }

  return async (request: Incoming): Promise<Reply> => {
    const claims = await keys.verify(/^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '')
    if (!claims) return { status: 401, body: { error: 'HTTP 401 Unauthorized' } }
    return mayManageClients(claims) ? route(request) : { status: 403, body: { error: 'HTTP 403 Forbidden' } }
  }
}

function mayManageClients(claims: Readonly<Record<string, unknown>>): boolean {
  const access = claims['resource_access'] as { 'realm-management'?: { roles?: string[] } } | undefined
  return access?.['realm-management']?.roles?.includes('manage-clients') ?? false
}

const representation = ({ managesClients: _, ...client }: RealmClient) => ({
  ...client,
  protocol: 'openid-connect',
  clientAuthenticatorType: 'client-secret',
  access: { view: true, configure: true, manage: true },
})

/** Keycloak reads the texts `true` and `false` as booleans, too. */
const flag = (body: Readonly<Record<string, unknown>>, field: string, fallback: boolean): boolean =>
  body[field] === undefined ? fallback : String(body[field]) === 'true'

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
