import { createIdentity } from '../adapters/keycloak/index.ts'
import type { PoPorts } from '../po/ports.ts'
import type { Wiring } from './context.ts'

export const identity: Wiring<Pick<PoPorts, 'identity'>> = ({ config }) => ({
  identity: createIdentity({
    url: config.KEYCLOAK_URL,
    realm: config.KEYCLOAK_REALM,
    clientId: config.RESULT_CLIENT_ID,
    clientSecret: config.RESULT_CLIENT_SECRET,
  }),
})
