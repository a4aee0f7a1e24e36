/** The Identity suite on the stand-in, and on a real Keycloak when the environment names one. */
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { createIdentity } from '../../../../shared/adapters/keycloak/index.ts'
import { type IdentityWorld, identityConformance, WRONG_SECRET } from '../../../conformance/identity.ts'
import { type Keycloak, startKeycloak } from '../../../sandbox/keycloak.ts'

interface Server {
  readonly url: string
  readonly realm: string
  readonly clientId: string
  readonly clientSecret: string
}

function worldOf({ url, realm, clientId, clientSecret }: Server): IdentityWorld {
  const issuer = `${url}/realms/${realm}`
  const keys = createRemoteJWKSet(new URL(`${issuer}/protocol/openid-connect/certs`))
  return {
    issuer,
    identity: (how) =>
      createIdentity({ url, realm, clientId, clientSecret: how === 'wrong secret' ? WRONG_SECRET : clientSecret }),
    accepts: (token) =>
      jwtVerify(token, keys, { algorithms: ['RS256'] }).then(
        () => true,
        () => false,
      ),
  }
}

describe('stand-in', () => {
  let keycloak: Keycloak
  let world: IdentityWorld
  beforeAll(async () => {
    keycloak = await startKeycloak({ path: '/keycloak' })
    const { url, realm } = keycloak
    world = worldOf({ url, realm, clientId: 'service1', clientSecret: keycloak.secretOf('service1') })
  })
  afterAll(() => keycloak.stop())
  identityConformance('the stand-in', () => world)
})

describe('real server', () => {
  const { TEST_KEYCLOAK_URL, TEST_KEYCLOAK_REALM, TEST_RESULT_CLIENT_ID, TEST_RESULT_CLIENT_SECRET } = process.env
  if (!(TEST_KEYCLOAK_URL && TEST_KEYCLOAK_REALM && TEST_RESULT_CLIENT_ID && TEST_RESULT_CLIENT_SECRET)) {
    process.stderr.write(
      'SKIPPED: Identity suite on a real Keycloak 26. Set TEST_KEYCLOAK_URL, TEST_KEYCLOAK_REALM, TEST_RESULT_CLIENT_ID ' +
        'and TEST_RESULT_CLIENT_SECRET of a client that may manage clients.\n',
    )
    test.runIf(process.env['TEST_REAL_PARTS'] === 'required')('Identity: a real Keycloak', () => {
      throw new Error('CI must run the Identity suite on a real Keycloak: set TEST_KEYCLOAK_URL and the others')
    })
    return
  }
  const world = worldOf({
    url: TEST_KEYCLOAK_URL,
    realm: TEST_KEYCLOAK_REALM,
    clientId: TEST_RESULT_CLIENT_ID,
    clientSecret: TEST_RESULT_CLIENT_SECRET,
  })
  identityConformance('a real Keycloak', () => world)
})
