/** The Hub stand-in: refusals, input that it ignores, and its `/_sandbox` endpoints. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type HubSandbox, startHub } from './hub.ts'

let hub: HubSandbox
let token: string
beforeAll(async () => {
  hub = await startHub()
  token = (await logIn(hub)).body.access_token
})
afterAll(() => hub.stop())
beforeEach(() => hub.heal())

const send = async (url: string, init: RequestInit = {}) => {
  const answer = await fetch(url, { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } })
  return { status: answer.status, body: JSON.parse(await answer.text()) }
}
const post = (path: string, body: unknown) =>
  send(`${hub.coreUrl}${path}`, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) })
const logIn = ({ authUrl, clientId, clientSecret }: HubSandbox, secret = clientSecret) =>
  send(`${authUrl}/token`, {
    method: 'POST',
    body: JSON.stringify({ grant_type: 'client_credentials', client_id: clientId, client_secret: secret }),
  })
const list = (path: string, query: Record<string, string>) =>
  send(`${hub.coreUrl}${path}?${new URLSearchParams(query)}`)

test('a wrong secret, a missing and an unknown token are refused in the shape of the Hub', async () => {
  const refusal = { statusCode: 401, code: 'identity_unauthorized', message: expect.any(String), issues: [] }
  expect(await logIn(hub, 'wrong')).toEqual({ status: 401, body: refusal })
  for (const authorization of ['', 'Bearer x', `Basic ${token}`]) {
    expect(await send(`${hub.coreUrl}/nodes`, { headers: { authorization } })).toEqual({ status: 401, body: refusal })
  }
})

test('rows come in an envelope, 50 at most, and unknown filters are ignored', async () => {
  const id = randomUUID()
  hub.register(id, 60)
  const { body } = await list('/analysis-nodes', { 'filter[analysisId]': id, 'page[limit]': '1000' })
  expect(body.data).toHaveLength(50)
  expect(body.meta).toMatchObject({ total: 61, limit: 50, offset: 0 })
  const rest = await list('/analysis-nodes', { 'filter[analysisId]': id, 'page[limit]': '50', 'page[offset]': '50' })
  expect(rest.body.data).toHaveLength(11)
  const unknown = await list('/analysis-nodes', { 'filter[analysis_id]': id })
  expect(unknown.body.meta.total).toBeGreaterThanOrEqual(61)
  const both = await list('/analysis-nodes', { 'filter[analysisId]': id, 'filter[nodeId]': hub.node.id })
  expect(both.body.data).toHaveLength(1)
  const nodes = await list('/nodes', { 'filter[clientId]': hub.clientId })
  expect(nodes.body.data).toEqual([hub.node])
})

describe('an update', () => {
  test.each([
    [{ executionStatus: 'stuck' }, 'executionStatus'],
    [{ executionStatus: 7 }, 'executionStatus'],
    [{ executionProgress: 101 }, 'executionProgress'],
    [{ executionProgress: -1 }, 'executionProgress'],
    [{ executionProgress: 1.5 }, 'executionProgress'],
    [{ executionProgress: '7' }, 'executionProgress'],
  ])('with %j is a 400 that names the field', async (body, field) => {
    const { analysisNodeId } = hub.register(randomUUID())
    const answer = await post(`/analysis-nodes/${analysisNodeId}`, body)
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad_request', issues: [{ path: [field] }] } })
  })

  test('of its fields is accepted, and others are dropped', async () => {
    const id = randomUUID()
    const { analysisNodeId } = hub.register(id)
    const body = { executionStatus: 'executing', executionProgress: 7, execution_status: 'failed', analysisId: 'x' }
    expect(await post(`/analysis-nodes/${analysisNodeId}`, body)).toMatchObject({
      status: 202,
      body: { data: { analysisId: id, executionStatus: 'executing', executionProgress: 7 }, meta: {} },
    })
    await post(`/analysis-nodes/${analysisNodeId}`, { executionStatus: null })
    expect(hub.told(id).statuses.map(({ status, progress }) => [status, progress])).toEqual([
      ['executing', 7],
      [null, 7],
    ])
  })

  test.each([
    [404, 'entity_not_found', () => randomUUID()],
    [403, 'permission_denied', () => hub.register(randomUUID()).partners[0]?.analysisNodeId],
  ])('of a row that is not ours is %i', async (status, code, target) => {
    expect(await post(`/analysis-nodes/${target()}`, { executionStatus: 'failed' })).toMatchObject({
      status,
      body: { statusCode: status, code },
    })
  })

  test('that is no JSON is 400', async () => {
    expect((await post(`/analysis-nodes/${hub.register(randomUUID()).analysisNodeId}`, '{"x')).status).toBe(400)
  })
})

describe('a log line', () => {
  const line = (fields: object) => {
    const analysisId = randomUUID()
    hub.register(analysisId)
    return { analysisId, nodeId: hub.node.id, level: 'info', message: 'a line', ...fields }
  }

  test.each([
    [{ message: 'ab' }, 'message'],
    [{ message: 'x'.repeat(2049) }, 'message'],
    [{ message: null }, 'message'],
    [{ level: 'warning' }, 'level'],
    [{ status: 'ab' }, 'status'],
    [{ status: 'x'.repeat(65) }, 'status'],
    [{ code: '' }, 'code'],
    [{ labels: { a: 1 } }, 'labels'],
    [{ analysisId: '0190b2a4-5e3f-7cc1-9a39-0d2f5f2c9c11' }, 'analysisId'],
    [{ analysisId: randomUUID() }, 'analysisId'],
    [{ nodeId: randomUUID() }, 'nodeId'],
    [{ nodeId: undefined }, 'nodeId'],
  ])('with a bad field is a 400 that names it (%#)', async (fields, field) => {
    const answer = await post('/analysis-node-logs', line(fields))
    expect(answer).toMatchObject({ status: 400, body: { code: 'bad_request', issues: [{ path: [field] }] } })
  })

  test.each([
    [{ message: 'abc' }],
    [{ message: 'x'.repeat(2048) }],
    [{ status: null, code: null }],
    [{ status: 'abc', code: 'x'.repeat(64), labels: { a: 'b' }, unknown: 1 }],
  ])('within the limits is accepted (%#)', async (fields) => {
    const body = line(fields)
    expect((await post('/analysis-node-logs', body)).status).toBe(202)
    expect(hub.told(body.analysisId).logs).toMatchObject([{ level: 'info', message: body.message }])
  })

  test('in the name of a partner is 403', async () => {
    const partner = hub.register(randomUUID()).partners[0]
    expect((await post('/analysis-node-logs', line({ nodeId: partner?.nodeId }))).status).toBe(403)
  })
})

describe('the endpoints for tests', () => {
  const control = (method: string, path: string, body?: object) =>
    send(`${hub.url}/_sandbox${path}`, {
      method,
      headers: { authorization: '' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })

  test('registers an analysis and lists its reports', async () => {
    const id = randomUUID()
    const { body } = await control('POST', '/analyses', { id, partners: 4 })
    expect(body.partners).toHaveLength(4)
    await post(`/analysis-nodes/${body.analysisNodeId}`, { executionStatus: 'started' })
    await post('/analysis-node-logs', { analysisId: id, nodeId: hub.node.id, level: 'info', message: 'a line' })
    const told = (await control('GET', `/analyses/${id}`)).body
    expect(told).toMatchObject({ statuses: [{ status: 'started' }], logs: [{ message: 'a line' }] })
    expect((await control('GET', '/analyses')).body[id]).toEqual(told)
  })

  test.each([
    ['error', (outcome: unknown) => outcome === 500],
    ['down', (outcome: unknown) => outcome === 'cut'],
  ])('%s breaks the Hub until it is healed, but not the endpoints for tests', async (kind, isBroken) => {
    const outcome = () =>
      list('/nodes', {}).then(
        ({ status }) => status,
        () => 'cut',
      )
    await control('POST', '/faults', { kind })
    expect([isBroken(await outcome()), isBroken(await outcome())]).toEqual([true, true])
    await control('DELETE', '/faults')
    expect(await outcome()).toBe(200)
  })

  test('slow delays by the given time', async () => {
    await control('POST', '/faults', { kind: 'slow', ms: 80, times: 1 })
    const began = performance.now()
    await list('/nodes', {})
    expect(performance.now() - began).toBeGreaterThanOrEqual(75)
  })

  test.each([
    ['POST', '/faults', { kind: 'magic' }, 400],
    ['POST', '/analyses', {}, 400],
    ['PUT', '/analyses', {}, 404],
  ])('%s %s with %j is %i', async (method, path, body, status) => {
    expect((await control(method, path, body)).status).toBe(status)
  })
})

test('with autoRegister every analysis exists as soon as it is asked for', async () => {
  const eager = await startHub({ autoRegister: true, partners: 3, latencyMs: 5 })
  try {
    const auth = { authorization: `Bearer ${(await logIn(eager)).body.access_token}` }
    const query = new URLSearchParams({ 'filter[analysisId]': randomUUID() })
    const { body } = await send(`${eager.coreUrl}/analysis-nodes?${query}`, { headers: auth })
    expect(body.data).toHaveLength(4)
  } finally {
    await eager.stop()
  }
})

test('answers below its one URL, too', async () => {
  const hub = await startHub()
  try {
    const { clientId, clientSecret } = hub
    const body = JSON.stringify({ grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret })
    const login = await fetch(`${hub.url}/token`, { method: 'POST', body })
    const { access_token: token } = (await login.json()) as { access_token: string }
    const nodes = await fetch(`${hub.url}/nodes`, { headers: { authorization: `Bearer ${token}` } })
    expect(await nodes.json()).toMatchObject({ data: expect.arrayContaining([expect.objectContaining({ clientId })]) })
    expect((await fetch(`${hub.url}/nonsense`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(404)
  } finally {
    await hub.stop()
  }
})
