/** The functions of services over HTTP, as their clients see them: paths, codes, shapes, errors. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import '../../../functions/dt/reconcile/index.ts'
import '../../../functions/dt/service-launch/index.ts'
import '../../../functions/dt/service-list/index.ts'
import '../../../functions/dt/service-logs/index.ts'
import '../../../functions/dt/service-runs/index.ts'
import '../../../functions/dt/service-status/index.ts'
import '../../../functions/dt/service-terminate/index.ts'
import { registeredFunction } from '../../../shared/http/register.ts'
import { routes } from '../../../shared/routes/index.ts'
import { eventually, type Fixture, startFixture } from '../../shared/dt/fixture.ts'
import { serveFunction } from '../../shared/http/edge.ts'

const PREFIX = '/api/orchestrator/v1alpha1'
let fixture: Fixture
const servers = new Map<string, Awaited<ReturnType<typeof serveFunction>>>()

beforeAll(async () => {
  fixture = await startFixture()
  for (const [name, value] of Object.entries({ ...fixture.environment, DT_AUTH: 'none', LOG_LEVEL: 'fatal' }))
    vi.stubEnv(name, value)
  for (const { name } of Object.values(routes.dt)) {
    const fn = registeredFunction(name)
    if (fn) servers.set(name, await serveFunction(fn))
  }
}, 60_000)
afterAll(async () => {
  for (const server of servers.values()) await server[Symbol.asyncDispose]()
  await fixture.stop()
})

async function ask(name: string, method: string, path: string, body?: unknown) {
  const answer = await fetch(`${servers.get(name)?.url}${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
}
const launch = (fields: object = {}, prefix = PREFIX) =>
  ask('dt-service-launch', 'POST', `${prefix}/service/launch`, {
    image: 'sim',
    version: 'ok',
    description: 'd',
    ana: { job_type: 'ondemand', reps: 1 },
    ...fields,
  })
const tick = () =>
  fetch(servers.get('dt-reconcile')?.url ?? '', {
    method: 'POST',
    body: '{}',
    headers: {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
      'ce-id': String(Math.random()),
      'ce-source': '/test',
      'ce-type': 'dev.knative.sources.ping',
    },
  })

test.each([PREFIX, ''])('a launch below "%s" answers 202 and an id, and nothing else', async (prefix) => {
  const { status, body } = await launch({}, prefix)
  expect(status).toBe(202)
  expect(body).toEqual({ id: expect.stringMatching(/^[0-9a-f]{24}$/) })
})

test('a service is listed in the shape that clients know', async () => {
  const { body, status: code } = await launch({ mount_files: { '669a4eee364a1b751c550b02': 'input.xlsx' } })
  for (const path of [`${PREFIX}/service/`, `${PREFIX}/service`, '/service/']) {
    const list = await ask('dt-service-list', 'GET', `${path}?limit=1000`)
    expect([code, list.status]).toEqual([202, 200])
    expect(list.body.find((row: { id: string }) => row.id === body.id)).toMatchObject({
      image: 'sim',
      version: 'ok',
      description: 'd',
      reps: 1,
      mount_files: { '669a4eee364a1b751c550b02': 'input.xlsx' },
      output_files: null,
      created_at: expect.any(Number),
      active_runs: 0,
      succeeded_runs: 0,
      failed_runs: 0,
      total_runs: 0,
      status: 'running',
    })
  }
  const page = await ask('dt-service-list', 'GET', `${PREFIX}/service/?skip=1&limit=1`)
  expect(page.body).toHaveLength(1)
})

test.each(['skip=-1', 'limit=0', 'limit=1001', 'limit=x'])('a page of %s is refused', async (query) => {
  expect((await ask('dt-service-list', 'GET', `/service/?${query}`)).status).toBe(422)
})

test('a status has its counters and an empty list before there are outputs', async () => {
  const { body } = await launch()
  const { status, body: state } = await ask('dt-service-status', 'GET', `${PREFIX}/service/${body.id}/status`)
  expect(status).toBe(200)
  expect(state).toMatchObject({ active_runs: 0, status: 'running', phase: 'pending', output_files: [] })
})

describe.each(['0123456789abcdef01234567', 'no-id'])('of the unknown id %s', (id) => {
  test.each([
    ['dt-service-status', 'GET', 'status'],
    ['dt-service-runs', 'GET', 'runs'],
    ['dt-service-logs', 'GET', 'logs'],
    ['dt-service-terminate', 'DELETE', 'terminate'],
  ])('%s answers 404', async (name, method, path) => {
    const { status, body } = await ask(name, method, `${PREFIX}/service/${id}/${path}`)
    expect({ status, body }).toEqual({ status: 404, body: { detail: 'Service not found in database' } })
  })
})

test('a refusal of the API server is returned with its message and status', async () => {
  const { status, body } = await launch({ ana: { job_type: 'ondemand', reps: 101 } })
  expect(status).toBe(422)
  expect(body.detail).toMatch(/^Exception when creating custom resource: .*spec\.reps/)
})

test('ondemand takes a schedule or a port, and both are refused by name', async () => {
  const ana = { job_type: 'ondemand', reps: 1, schedule: '0 * * * *' }
  const { status, body } = await launch({ ana, port: 8080 })
  expect(status).toBe(422)
  expect(body.detail).toEqual([expect.objectContaining({ loc: ['body', 'ana', 'schedule'] })])
  expect((await launch({ ana })).status).toBe(202)
})

test('ondemand without reps is refused, and the list is as it was', async () => {
  const before = await ask('dt-service-list', 'GET', '/service/?limit=1000')
  expect((await launch({ ana: { job_type: 'ondemand' } })).status).toBe(422)
  expect(await ask('dt-service-list', 'GET', '/service/?limit=1000')).toEqual(before)
})

test('a service runs when the loop ticks, and is terminated once', async () => {
  const { body } = await launch()
  await fixture.say(body.id, { firing: 0, index: 0, attempt: 0 }, 'complete')
  const state = await eventually(
    async () => {
      expect((await tick()).status).toBe(204)
      return (await ask('dt-service-status', 'GET', `/service/${body.id}/status`)).body
    },
    ({ phase }) => phase === 'succeeded',
    60_000,
  )
  expect(state).toMatchObject({ status: 'ok', succeeded_runs: 1, output_files: [expect.any(String)] })
  const runs = await ask('dt-service-runs', 'GET', `/service/${body.id}/runs`)
  expect(runs.body).toMatchObject([{ index: 0, attempt: 0, phase: 'succeeded', exit_code: 0 }])
  const logs = await ask('dt-service-logs', 'GET', `/service/${body.id}/logs`)
  expect(Object.values(logs.body).join()).toContain('simulated')
  const path = `${PREFIX}/service/${body.id}/terminate`
  expect(await ask('dt-service-terminate', 'DELETE', path)).toEqual({
    status: 200,
    body: { message: 'Service terminated successfully' },
  })
  expect((await ask('dt-service-terminate', 'DELETE', path)).status).toBe(404)
}, 90_000)

test('Kubernetes away: a launch is a 503, and no row is shown', async () => {
  const before = await ask('dt-service-list', 'GET', '/service/?limit=1000')
  fixture.setDown(true)
  expect((await launch()).status).toBe(503)
  fixture.setDown(false)
  expect(await ask('dt-service-list', 'GET', '/service/?limit=1000')).toEqual(before)
})
