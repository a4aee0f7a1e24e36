/**
 * The external services of an installation on this machine: the real database, the Hub's stand-in, and the Keycloak of the
 * environment or its stand-in. Pods reach them through forwarded ports.
 */
import { randomBytes } from 'node:crypto'
import { startHub } from '../../sandbox/hub.ts'
import { startKeycloak } from '../../sandbox/keycloak.ts'
import { type PostgresServer, startPostgres } from '../../sandbox/postgres.ts'
import type { ClusterEnvironment } from '../environment.ts'
import { startTcpProxy, startUrlProxy } from '../tcp-proxy.ts'

export interface Realm {
  /** URL for this machine. */
  readonly url: string
  readonly realm: string
  readonly clientId: string
  readonly clientSecret: string
}

export interface Outside {
  readonly realm: Realm
  /** URL for this machine; `/_sandbox` lists the reports. */
  readonly hubUrl: string
  readonly postgres: PostgresServer
  /** Settings by which functions in the cluster connect to them. */
  readonly settings: Readonly<Record<string, string>>
  readonly secrets: Readonly<Record<string, string>>
  stop(): Promise<void>
}

async function realmOf({ keycloak }: ClusterEnvironment, stops: AsyncDisposableStack): Promise<Realm> {
  const { KEYCLOAK_URL, KEYCLOAK_REALM, RESULT_CLIENT_ID, RESULT_CLIENT_SECRET } = keycloak
  if (KEYCLOAK_URL && KEYCLOAK_REALM && RESULT_CLIENT_ID && RESULT_CLIENT_SECRET) {
    return { url: KEYCLOAK_URL, realm: KEYCLOAK_REALM, clientId: RESULT_CLIENT_ID, clientSecret: RESULT_CLIENT_SECRET }
  }
  const standIn = await startKeycloak()
  stops.defer(standIn.stop)
  const { url, realm } = standIn
  return { url, realm, clientId: 'service1', clientSecret: standIn.secretOf('service1') }
}

export async function startOutside(environment: ClusterEnvironment): Promise<Outside> {
  await using stops = new AsyncDisposableStack()
  const { hostAddress, hostName } = environment
  const postgres = await startPostgres({ password: randomBytes(12).toString('hex'), user: 'po', database: 'po' })
  stops.defer(postgres.stop)
  const hub = await startHub({ autoRegister: true, nodeName: 'cluster-test' })
  stops.defer(hub.stop)
  const realm = await realmOf(environment, stops)
  const databaseProxy = await startTcpProxy(hostAddress, postgres)
  stops.defer(databaseProxy.stop)
  const hubProxy = await startUrlProxy(hostAddress, hostName, hub.url)
  stops.defer(hubProxy.stop)
  const keycloakProxy = await startUrlProxy(hostAddress, hostName, realm.url)
  stops.defer(keycloakProxy.stop)
  const kept = stops.move()
  return {
    realm,
    hubUrl: hub.url,
    postgres,
    settings: {
      POSTGRES_HOST: hostName,
      POSTGRES_PORT: String(databaseProxy.port),
      POSTGRES_USER: postgres.user,
      POSTGRES_DB: postgres.database,
      KEYCLOAK_URL: keycloakProxy.url,
      KEYCLOAK_REALM: realm.realm,
      RESULT_CLIENT_ID: realm.clientId,
      HUB_URL_CORE: `${hubProxy.url}/core`,
      HUB_URL_AUTH: `${hubProxy.url}/auth`,
      HUB_CLIENT_ID: hub.clientId,
    },
    secrets: {
      POSTGRES_PASSWORD: postgres.password,
      RESULT_CLIENT_SECRET: realm.clientSecret,
      HUB_CLIENT_SECRET: hub.clientSecret,
    },
    stop: () => kept.disposeAsync(),
  }
}
