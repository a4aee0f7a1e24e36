/**
 * What an installation needs from outside of the cluster, on this machine: the real database, the Hub's stand-in, and the
 * Keycloak that the tests are told of, or its stand-in. Pods reach them through doors.
 */
import { randomBytes } from 'node:crypto'
import { startHub } from '../../sandbox/hub.ts'
import { startKeycloak } from '../../sandbox/keycloak.ts'
import { type PostgresServer, startPostgres } from '../../sandbox/postgres.ts'
import { openDoor, openDoorTo } from '../door.ts'
import type { ClusterEnvironment } from '../environment.ts'

export interface Realm {
  /** As this machine reaches it. */
  readonly url: string
  readonly realm: string
  readonly clientId: string
  readonly clientSecret: string
}

export interface Outside {
  readonly realm: Realm
  /** As this machine reaches it; `/_sandbox` tells what it was told. */
  readonly hubUrl: string
  readonly postgres: PostgresServer
  /** Settings by which functions in the cluster find all of it. */
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
  const databaseDoor = await openDoor(hostAddress, postgres)
  stops.defer(databaseDoor.stop)
  const hubDoor = await openDoorTo(hostAddress, hostName, hub.url)
  stops.defer(hubDoor.stop)
  const keycloakDoor = await openDoorTo(hostAddress, hostName, realm.url)
  stops.defer(keycloakDoor.stop)
  const kept = stops.move()
  return {
    realm,
    hubUrl: hub.url,
    postgres,
    settings: {
      POSTGRES_HOST: hostName,
      POSTGRES_PORT: String(databaseDoor.port),
      POSTGRES_USER: postgres.user,
      POSTGRES_DB: postgres.database,
      KEYCLOAK_URL: keycloakDoor.url,
      KEYCLOAK_REALM: realm.realm,
      RESULT_CLIENT_ID: realm.clientId,
      HUB_URL_CORE: `${hubDoor.url}/core`,
      HUB_URL_AUTH: `${hubDoor.url}/auth`,
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
