import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import { decodeJwt } from 'jose'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createIdentity, type IdentityOptions } from '../../../../shared/adapters/keycloak/index.ts'
import type { Fault } from '../../../../shared/platform/fault.ts'
import type { AnalysisId } from '../../../../shared/po/model.ts'
import { type Keycloak, startKeycloak } from '../../../sandbox/keycloak.ts'
import { createKeys } from '../../../sandbox/keycloak-tokens.ts'
import type { Break } from '../../../sandbox/stand-in.ts'

const keys = await createKeys()
let keycloak: Keycloak
beforeEach(async () => {
  keycloak = await startKeycloak({ path: '/keycloak', keys })
})
afterEach(() => keycloak.stop())

const newId = (): AnalysisId => randomUUID() as AnalysisId
const identityOf = (options: Partial<IdentityOptions> = {}) =>
  createIdentity({
    url: keycloak.url,
    realm: keycloak.realm,
    clientId: 'service1',
    clientSecret: keycloak.secretOf('service1'),
    ...options,
  })

const TOKEN = /POST .*\/token$/
const LOOKUP = /GET .*\/clients\?clientId=/
const CREATE = /POST .*\/clients$/
const DELETE = /DELETE .*\/clients\//
const LIST = /GET .*\/clients\?first=/

const failure = (work: Promise<unknown>): Promise<Fault> =>
  work.then(
    () => expect.unreachable('it should have failed'),
    (error: Fault) => error,
  )

describe('round trips with a warm admin token', () => {
  test.each([
    ['the first token of an analysis', 3, async () => undefined],
    ['a later one', 2, async (id: AnalysisId) => void (await identityOf().issueToken(id))],
  ])('%s takes %i', async (_, trips, before) => {
    const identity = identityOf()
    await identity.listClients()
    const id = newId()
    await before(id)
    const start = keycloak.requests.length
    await identity.issueToken(id)
    expect(keycloak.requests.slice(start)).toHaveLength(trips)
  })
})

describe('the admin token', () => {
  test('is fetched once for many callers at the same time', async () => {
    const identity = identityOf()
    await Promise.all(Array.from({ length: 10 }, () => identity.listClients()))
    expect(keycloak.count(TOKEN)).toBe(1)
  })

  test.each([
    ['kept until 30 s before it expires', 7200, 7169, 1],
    ['renewed in its last 30 s', 7200, 7171, 2],
    ['used for three quarters of a short life', 20, 14, 1],
    ['renewed in the last quarter of a short life', 20, 16, 2],
  ])('is %s', async (_, tokenLifetimeSeconds, seconds, fetches) => {
    await keycloak.stop()
    keycloak = await startKeycloak({ tokenLifetimeSeconds, keys })
    let ms = Date.now()
    const identity = identityOf({ now: () => new Date(ms) })
    await identity.listClients()
    ms += seconds * 1000
    await identity.listClients()
    expect(keycloak.count(TOKEN)).toBe(fetches)
  })

  test('is fetched again, once, when it is no longer accepted', async () => {
    const identity = identityOf()
    await identity.listClients()
    await keycloak.rotateKeys({ dropOld: true })
    expect(await identity.listClients()).toEqual([])
    expect(keycloak.count(TOKEN)).toBe(2)
  })

  test('that is refused twice is a fault and no endless loop', async () => {
    keycloak.fail(LIST, { status: 401, body: { error: 'HTTP 401 Unauthorized' } }, 10)
    expect((await failure(identityOf().listClients())).code).toBe('refused')
    expect(keycloak.count(LIST)).toBe(2)
  })

  test('whose fetch failed is fetched anew by the next caller', async () => {
    const identity = identityOf()
    keycloak.fail(TOKEN, 'close')
    expect((await failure(identity.listClients())).code).toBe('unavailable')
    expect(await identity.listClients()).toEqual([])
  })
})

describe('clients', () => {
  test('one that exists already keeps its secret', async () => {
    const id = newId()
    const { secret } = keycloak.addClient({ clientId: id, name: `flame-${id}` })
    const token = await identityOf().issueToken(id)
    expect(decodeJwt(token.value)['azp']).toBe(id)
    expect(keycloak.secretOf(id)).toBe(secret)
    expect(keycloak.count(CREATE)).toBe(0)
  })

  test('a new one is confidential, has a long random secret and no login for people', async () => {
    const [first, second] = [newId(), newId()]
    await Promise.all([identityOf().issueToken(first), identityOf().issueToken(second)])
    expect(keycloak.clients().find(({ clientId }) => clientId === first)).toMatchObject({
      name: `flame-${first}`,
      enabled: true,
      publicClient: false,
      serviceAccountsEnabled: true,
      standardFlowEnabled: false,
      directAccessGrantsEnabled: false,
    })
    expect(keycloak.secretOf(first)).toMatch(/^[\w-]{43}$/)
    expect(keycloak.secretOf(first)).not.toBe(keycloak.secretOf(second))
  })

  test('one that somebody makes between look-up and creation is used', async () => {
    const id = newId()
    keycloak.addClient({ clientId: id, name: `flame-${id}` })
    keycloak.fail(LOOKUP, { status: 200, body: [] })
    expect(decodeJwt((await identityOf().issueToken(id)).value)['azp']).toBe(id)
    expect(keycloak.requests.filter((line) => CREATE.test(line))).toHaveLength(1)
  })

  test('a look-up that answers with another client is not believed', async () => {
    const [id, other] = [newId(), keycloak.addClient({ clientId: newId() })]
    keycloak.fail(LOOKUP, { status: 200, body: [other] })
    expect(await identityOf().removeClient(id)).toBe(false)
    expect(keycloak.count(DELETE)).toBe(0)
    expect(keycloak.clients()).toContainEqual(other)
  })

  test('a secret that is hidden in lists is asked for', async () => {
    const id = newId()
    const client = keycloak.addClient({ clientId: id, name: `flame-${id}` })
    keycloak.fail(LOOKUP, { status: 200, body: [{ ...client, secret: '**********' }] })
    expect(decodeJwt((await identityOf().issueToken(id)).value)['azp']).toBe(id)
    expect(keycloak.count(/client-secret$/)).toBe(1)
  })

  test('the list leaves out what belongs to no analysis and does not stumble over missing names', async () => {
    const [mine, foreign, nameless] = [newId(), newId(), newId()]
    keycloak.addClient({ clientId: mine, name: `flame-${mine}` })
    keycloak.addClient({ clientId: foreign, name: `other-${foreign}` })
    keycloak.addClient({ clientId: nameless })
    keycloak.addClient({ clientId: 'flame-portal', name: 'flame-portal' })
    expect(await identityOf().listClients()).toEqual([mine])
  })

  test('the list ends when a server ignores paging', async () => {
    const id = newId()
    const page: Break = { status: 200, body: [keycloak.addClient({ clientId: id, name: `flame-${id}` })] }
    keycloak.fail(LIST, page, 10)
    expect(await identityOf().listClients()).toEqual([id])
    expect(keycloak.count(LIST)).toBe(2)
  })

  test.each([
    ['gone between look-up and deletion', 404],
    ['removed by somebody else, which Keycloak answers with 500', 500],
  ])('one %s was not removed by us', async (_, status) => {
    const id = newId()
    const client = keycloak.addClient({ clientId: id })
    keycloak.fail(LOOKUP, { status: 200, body: [client] })
    keycloak.fail(LOOKUP, { status: 200, body: [] })
    keycloak.fail(DELETE, { status, body: {} })
    expect(await identityOf().removeClient(id)).toBe(false)
  })

  test('one that is still there after a failed deletion is a fault', async () => {
    const id = newId()
    keycloak.addClient({ clientId: id })
    keycloak.fail(DELETE, { status: 500, body: {} })
    expect((await failure(identityOf().removeClient(id))).code).toBe('unavailable')
  })
})

const SECRETS = { node: 'node-secret-4711', analysis: 'analysis-secret-0815' }
const echo = (status: number, headers: Record<string, string> = {}): Break => ({
  status,
  headers,
  body: { error: 'invalid_client', error_description: `bad ${SECRETS.node} and ${SECRETS.analysis}` },
})
const AT: Readonly<Record<string, RegExp>> = { token: TOKEN, lookup: LOOKUP, create: CREATE }
const BREAKS: readonly (readonly [string, Break, string])[] = [
  ['hangs', 'hang', 'unavailable'],
  ['cuts the connection', 'close', 'unavailable'],
  ['answers 500', echo(500), 'unavailable'],
  ['answers 503', echo(503), 'unavailable'],
  ['answers 429', echo(429, { 'retry-after': '3' }), 'unavailable'],
  ['answers 400', echo(400), 'refused'],
  ['answers 403', echo(403), 'refused'],
]
const NO_JSON: Break = { status: 200, body: `<html>${SECRETS.node} ${SECRETS.analysis}</html>` }
const CASES = [
  ...Object.keys(AT).flatMap((at) => BREAKS.map(([what, how, code]) => [at, what, how, code] as const)),
  ['token', 'answers with no JSON', NO_JSON, 'refused'],
  ['lookup', 'answers with no JSON', NO_JSON, 'refused'],
  ['token', 'answers with an empty token', { status: 200, body: { access_token: '', expires_in: 60 } }, 'refused'],
  ['token', 'answers without a token', { status: 200, body: {} }, 'refused'],
  ['token', 'answers with a list', { status: 200, body: [] }, 'refused'],
  ['token', 'answers with no lifetime', { status: 200, body: { access_token: 'x' } }, 'refused'],
  ['token', 'answers with no life left', { status: 200, body: { access_token: 'x', expires_in: 0 } }, 'refused'],
] as const

test.each(CASES)('when Keycloak at %s %s, the token is a fault that tells no secret', async (at, _, how, code) => {
  keycloak.addClient({ clientId: 'node', secret: SECRETS.node, managesClients: true })
  keycloak.fail(AT[at] ?? /$^/, how, 100)
  const identity = identityOf({
    clientId: 'node',
    clientSecret: SECRETS.node,
    newSecret: () => SECRETS.analysis,
    deadlineMs: how === 'hang' ? 600 : 10_000,
  })
  const began = performance.now()
  const fault = await failure(identity.issueToken(newId()))
  expect(fault.code).toBe(code)
  expect(fault.message).toMatch(/^Keycloak /)
  expect(performance.now() - began).toBeLessThan(8_000)
  const told = inspect(fault, { depth: null, showHidden: true })
  for (const secret of Object.values(SECRETS)) expect(told).not.toContain(secret)
})

test('the realm is the one configured, and an unknown one is refused', async () => {
  await keycloak.stop()
  keycloak = await startKeycloak({ realm: 'another realm', keys })
  expect((await identityOf().issueToken(newId())).value).toMatch(/^ey/)
  expect((await failure(identityOf({ realm: 'nowhere' }).issueToken(newId()))).code).toBe('refused')
})

test('a client that may not manage clients is refused', async () => {
  const identity = identityOf({ clientId: 'hub-adapter', clientSecret: keycloak.secretOf('hub-adapter') })
  const fault = await failure(identity.issueToken(newId()))
  expect(fault.message).toBe('Keycloak refused to look up the client of an analysis (403)')
})
