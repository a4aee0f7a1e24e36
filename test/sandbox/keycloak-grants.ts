/** The token endpoint of the Keycloak stand-in: client credentials and password, refused in Keycloak's words. */
import type { Realm, RealmClient } from './keycloak.ts'
import {
  accessClaims,
  idClaims,
  type Keys,
  REFRESH_LIFETIME_SECONDS,
  refreshClaims,
  type Subject,
} from './keycloak-tokens.ts'
import type { Reply } from './stand-in.ts'

const refusal = (status: number, error: string, error_description: string): Reply => ({
  status,
  body: { error, error_description },
})

const BAD_CREDENTIALS = 'Invalid client or Invalid client credentials'
const CLIENT_ROLES = ['create-client', 'manage-clients', 'query-clients', 'view-clients', 'view-events']

export function createTokenEndpoint(realm: Realm, keys: Keys) {
  const byClientCredentials = async (client: RealmClient): Promise<Reply> => {
    if (client.publicClient) {
      return refusal(401, 'unauthorized_client', 'Public client not allowed to retrieve service account')
    }
    if (!client.serviceAccountsEnabled) {
      return refusal(401, 'unauthorized_client', 'Client not enabled to retrieve service account')
    }
    const access = await keys.sign(accessClaims(realm.issuer, serviceAccount(client), lifetime, realm.now()))
    return tokens({ access_token: access, refresh_expires_in: 0 })
  }

  const byPassword = async (client: RealmClient, form: URLSearchParams): Promise<Reply> => {
    if (!client.directAccessGrantsEnabled) {
      return refusal(400, 'unauthorized_client', 'Client not allowed for direct access grants')
    }
    const user = realm.users.get(form.get('username') ?? '')
    if (!user || user.password !== form.get('password')) {
      return refusal(401, 'invalid_grant', 'Invalid user credentials')
    }
    const subject: Subject = { sub: user.sub, azp: client.clientId, username: user.username, claims: {} }
    const now = realm.now()
    return tokens({
      access_token: await keys.sign(accessClaims(realm.issuer, subject, lifetime, now)),
      refresh_token: keys.signRefresh(refreshClaims(realm.issuer, subject, now)),
      refresh_expires_in: REFRESH_LIFETIME_SECONDS,
      ...(/\bopenid\b/.test(form.get('scope') ?? '')
        ? { id_token: await keys.sign(idClaims(realm.issuer, subject, lifetime, now)) }
        : {}),
    })
  }

  const lifetime = realm.tokenLifetimeSeconds
  const tokens = (body: Readonly<Record<string, unknown>>): Reply => ({
    status: 200,
    headers: { 'cache-control': 'no-store' },
    body: { ...body, expires_in: lifetime, token_type: 'Bearer', 'not-before-policy': 0, scope: 'profile email' },
  })

  return async (form: URLSearchParams): Promise<Reply> => {
    const grantType = form.get('grant_type')
    if (grantType === null) return refusal(400, 'invalid_request', 'Missing form parameter: grant_type')
    const client = realm.clients.get(form.get('client_id') ?? '')
    if (!client?.enabled) return refusal(401, 'invalid_client', BAD_CREDENTIALS)
    if (!client.publicClient && client.secret !== form.get('client_secret')) {
      return refusal(401, 'unauthorized_client', BAD_CREDENTIALS)
    }
    if (grantType === 'client_credentials') return byClientCredentials(client)
    if (grantType === 'password') return byPassword(client, form)
    return refusal(400, 'unsupported_grant_type', 'Unsupported grant_type')
  }
}

const serviceAccount = (client: RealmClient): Subject => ({
  sub: client.id,
  azp: client.clientId,
  username: `service-account-${client.clientId}`,
  claims: {
    client_id: client.clientId,
    ...(client.managesClients
      ? { aud: ['realm-management', 'account'], resource_access: { 'realm-management': { roles: CLIENT_ROLES } } }
      : {}),
  },
})
