import { describe, expect, test, vi } from 'vitest'
import * as z from 'zod'
import { endpoint, type Request } from '../../../shared/http/endpoint.ts'
import { Fault } from '../../../shared/platform/fault.ts'
import { poSchemas } from '../../../shared/po/schema.ts'
import { routes } from '../../../shared/routes/index.ts'
import { createRealm, serveFunction } from './edge.ts'

const ID = '0b8c1c0e-2a4f-4d1e-9c55-0d2f6a1b7e3d'
const realm = await createRealm()
const edge = () => realm.edge
const authorization = async () => ({ authorization: `Bearer ${await realm.token()}` })

describe('a status endpoint', () => {
  const answer = { [ID]: { status: 'executing', progress: 40 } } as const
  const handle = async (_: object, { params }: { params: { analysis_id?: object | undefined } }) =>
    params.analysis_id ? answer : {}

  test('answers what the use case answers', async () => {
    await using server = await serveFunction(endpoint(routes.po.status, poSchemas.status, handle, () => ({}), { edge }))
    const response = await fetch(`${server.url}/po/status/${ID}/`, { headers: await authorization() })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual(answer)
  })

  test('makes its dependencies once, at the first request that gets so far', async () => {
    const deps = vi.fn(() => ({}))
    await using server = await serveFunction(endpoint(routes.po.status, poSchemas.status, handle, deps, { edge }))
    await fetch(`${server.url}/po/status`)
    expect(deps).not.toHaveBeenCalled()
    for (let i = 0; i < 3; i++) await fetch(`${server.url}/po/status`, { headers: await authorization() })
    expect(deps).toHaveBeenCalledOnce()
  })
})

describe('what the use case throws', () => {
  const table: [error: unknown, status: number, detail: unknown, header?: [string, string]][] = [
    [new Fault('conflict', 'It runs already'), 409, 'It runs already'],
    [new Fault('unavailable', 'The database is away'), 503, 'The database is away', ['retry-after', '5']],
    [new Fault('unavailable', 'Busy', { retryAfter: 1 }), 503, 'Busy', ['retry-after', '1']],
    [new Fault('refused', 'The cluster says no'), 502, 'The cluster says no'],
    [new Fault('unexpected', 'internals'), 500, 'Error retrieving status data (see po logs). Request r-1'],
    [new Error('internals'), 500, 'Error retrieving status data (see po logs). Request r-1'],
    ['a string', 500, 'Error retrieving status data (see po logs). Request r-1'],
  ]
  test.each(table)('%s becomes %i', async (error, status, detail, header) => {
    const fail = () => Promise.reject(error)
    await using server = await serveFunction(endpoint(routes.po.status, poSchemas.status, fail, () => ({}), { edge }))
    const headers = { ...(await authorization()), 'x-request-id': 'r-1' }
    const response = await fetch(`${server.url}/po/status/${ID}`, { headers })
    expect(response.status).toBe(status)
    expect(await response.json()).toEqual({ detail })
    if (header) expect(response.headers.get(header[0])).toBe(header[1])
  })

  test('is told in full to the log, with the request id', async () => {
    const fail = () => Promise.reject(new Error('the innermost reason'))
    await using server = await serveFunction(endpoint(routes.po.status, poSchemas.status, fail, () => ({}), { edge }))
    await fetch(`${server.url}/po/status`, { headers: { ...(await authorization()), 'x-request-id': 'r-told' } })
    const line = realm.logs.lines().find(({ requestId, level }) => requestId === 'r-told' && level === 'ERROR')
    expect(JSON.stringify(line)).toContain('the innermost reason')
  })
})

test('an answer that does not fit its schema is a defect: 500, and only the log says why', async () => {
  const schemas = { answer: z.object({ n: z.int() }), failures: ['Error counting'] }
  const handle = async () => ({ n: 1.5 })
  await using server = await serveFunction(endpoint(routes.po.healthz, schemas, handle, () => ({}), { edge }))
  const response = await fetch(`${server.url}/po/healthz`)
  expect(response.status).toBe(500)
  expect(await response.text()).toMatch(/^{"detail":"Error counting \(see po logs\). Request [\w-]+"}$/)
})

describe('work after the answer', () => {
  test('sees the answer and runs only when that is out', async () => {
    const gate = Promise.withResolvers<void>()
    const afterAnswer = vi.fn(
      (_deps: object, _request: Request<object, object, undefined, unknown>, _answer: unknown) => gate.promise,
    )
    const handle = async () => ({ status: 'ok' as const })
    const options = { edge, afterAnswer }
    await using server = await serveFunction(
      endpoint(routes.po.healthz, poSchemas.healthz, handle, () => ({}), options),
    )
    expect(await (await fetch(`${server.url}/po/healthz`)).json()).toEqual({ status: 'ok' })
    await vi.waitFor(() => expect(afterAnswer).toHaveBeenCalledOnce())
    expect(afterAnswer.mock.calls[0]?.[2]).toEqual({ status: 'ok' })
    gate.resolve()
  })

  test('does not run when the request failed, and its own failure only reaches the log', async () => {
    const handle = vi.fn(async () => ({ status: 'ok' as const })).mockRejectedValueOnce(new Fault('conflict', 'no'))
    const afterAnswer = vi.fn(() => Promise.reject(new Error('late failure')))
    const options = { edge, afterAnswer }
    await using server = await serveFunction(
      endpoint(routes.po.healthz, poSchemas.healthz, handle, () => ({}), options),
    )
    expect((await fetch(`${server.url}/po/healthz`)).status).toBe(409)
    expect(afterAnswer).not.toHaveBeenCalled()
    expect((await fetch(`${server.url}/po/healthz`)).status).toBe(200)
    await vi.waitFor(() => expect(realm.logs.text()).toContain('late failure'))
  })
})
