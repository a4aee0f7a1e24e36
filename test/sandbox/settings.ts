/** Settings by which functions find the sandbox's parts. */
import type { EventBroker } from './broker/index.ts'
import type { HubSandbox } from './hub.ts'
import type { Keycloak } from './keycloak.ts'
import { databaseSettings, type Login } from './postgres.ts'

export const databaseEnvironment = (login: Login): Record<string, string> =>
  Object.fromEntries(Object.entries(databaseSettings(login)).map(([name, value]) => [name, String(value)]))

export const serviceEnvironment = (keycloak: Keycloak, hub: HubSandbox): Record<string, string> => ({
  KEYCLOAK_URL: keycloak.url,
  KEYCLOAK_REALM: keycloak.realm,
  RESULT_CLIENT_ID: 'service1',
  RESULT_CLIENT_SECRET: keycloak.secretOf('service1'),
  HUB_URL_CORE: hub.coreUrl,
  HUB_URL_AUTH: hub.authUrl,
  HUB_CLIENT_ID: hub.clientId,
  HUB_CLIENT_SECRET: hub.clientSecret,
})

/** The broker gets state changes; with `fanout` also the events of sweeps. */
export const sinkEnvironment = (broker: EventBroker | undefined, fanout: boolean): Record<string, string> =>
  broker ? { K_SINK: broker.url, FANOUT: fanout ? 'events' : 'none' } : {}
