import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectApi, createPoCluster } from '../../../../shared/adapters/kubernetes/po/index.ts'
import type { Fault } from '../../../../shared/platform/fault.ts'
import type { PoCluster } from '../../../../shared/po/ports/cluster.ts'
import { json, type ScriptedApi, startScriptedApi } from './scripted-api.ts'

let api: ScriptedApi
let cluster: PoCluster & { close(): Promise<void> }
beforeAll(async () => {
  api = await startScriptedApi()
  cluster = createPoCluster({ env: api.env, namespace: 'ns', deadlineMs: 300, logDeadlineMs: 400 })
})
afterAll(async () => {
  await cluster.close()
  await api.stop()
})

const SECRET = 'c2VjcmV0'
const object = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'root' }, data: { token: SECRET } }
const failureOf = (work: Promise<unknown>): Promise<Fault> =>
  work.then(
    () => Promise.reject(new Error('no failure')),
    (error: Fault) => error,
  )
const status = (reason: string, more: object = {}) => ({ kind: 'Status', reason, message: `about ${SECRET}`, ...more })

describe('answers of the API as faults', () => {
  test.each([
    [400, 'BadRequest', 'refused'],
    [401, 'Unauthorized', 'refused'],
    [403, 'Forbidden', 'refused'],
    [404, 'NotFound', 'refused'],
    [409, 'Conflict', 'refused'],
    [422, 'Invalid', 'refused'],
    [429, 'TooManyRequests', 'unavailable'],
    [500, 'InternalError', 'unavailable'],
    [503, 'ServiceUnavailable', 'unavailable'],
    [504, 'Timeout', 'unavailable'],
  ])('%i %s is %s, with verb, kind, name and reason', async (code, reason, expected) => {
    api.answer((_, response) => json(response, code, status(reason)))
    const fault = await failureOf(cluster.apply(object))
    expect(fault).toMatchObject({ name: 'Fault', code: expected })
    expect(fault.message).toMatch(new RegExp(`apply Secret root: ${reason}\\.$`))
    expect(fault.message).not.toContain(SECRET)
    expect(api.asked).toHaveLength(1)
  })

  test('fields that the API names pass, its words about their values do not', async () => {
    const causes = [{ field: 'data[token]', reason: 'FieldValueInvalid', message: SECRET }]
    api.answer((_, response) => json(response, 422, status('Invalid', { details: { causes } })))
    const { message } = await failureOf(cluster.apply(object))
    expect(message).toBe('The Kubernetes API refused to apply Secret root: Invalid (data[token] FieldValueInvalid).')
  })

  test('how long to wait passes', async () => {
    api.answer((_, response) => json(response, 429, status('TooManyRequests'), { 'retry-after': '7' }))
    expect(await failureOf(cluster.list('ConfigMap', {}))).toMatchObject({ code: 'unavailable', retryAfter: 7 })
  })

  test('an answer that is not JSON is an error, not a result', async () => {
    api.answer((_, response) => response.writeHead(200).end('<html>'))
    expect(await failureOf(cluster.find('ConfigMap', 'root'))).toMatchObject({ code: 'unavailable' })
    api.answer((_, response) => response.writeHead(502).end('<html>'))
    expect((await failureOf(cluster.find('ConfigMap', 'root'))).message).toMatch(/get ConfigMap root: 502\.$/)
  })

  test('a server that closes the connection', async () => {
    api.answer((request) => request.socket.destroy())
    expect(await failureOf(cluster.remove('Secret', 'root'))).toMatchObject({
      code: 'unavailable',
      message: 'The Kubernetes API did not answer: delete Secret root.',
    })
  })

  test('a server that is not there', async () => {
    const other = await startScriptedApi()
    const lost = createPoCluster({ env: other.env })
    await other.stop()
    expect(await failureOf(lost.find('ConfigMap', 'root'))).toMatchObject({ code: 'unavailable' })
    await lost.close()
  })
})

describe('deadlines', () => {
  const begin = (response: ServerResponse) => response.writeHead(200).write('{"items":')

  test.each<[string, number, () => Promise<unknown>]>([
    ['apply', 300, () => cluster.apply(object)],
    ['find', 300, () => cluster.find('ConfigMap', 'root')],
    ['patchSecret', 300, () => cluster.patchSecret('root', { token: 'x' })],
    ['list', 300, () => cluster.list('ConfigMap', {})],
    ['pods', 300, () => cluster.pods({})],
    ['remove', 300, () => cluster.remove('Secret', 'root')],
    ['removePod', 300, () => cluster.removePod('pod')],
    ['peers', 300, () => cluster.peers()],
    ['log', 400, () => cluster.log('pod', 'main', 10)],
  ])('%s ends after %i ms, whether nothing comes or not all of it', async (_, limit, work) => {
    for (const handler of [() => undefined, (_: unknown, response: ServerResponse) => void begin(response)]) {
      api.answer(handler)
      const since = performance.now()
      expect(await failureOf(work())).toMatchObject({ code: 'unavailable' })
      const took = performance.now() - since
      expect(took).toBeGreaterThan(limit - 20)
      expect(took).toBeLessThan(limit + 8000)
    }
  })
})

describe('lists', () => {
  const page = (names: readonly string[], next?: string) => ({
    metadata: next ? { continue: next } : {},
    items: names.map((name) => ({ metadata: { name } })),
  })

  test('pages of 5,000 objects, metadata only, selected by labels', async () => {
    let accept: string | undefined
    api.answer((request, response) => {
      accept = request.headers.accept
      json(response, 200, page([]))
    })
    await cluster.list('Deployment', { app: 'x', run: undefined })
    expect(api.asked).toEqual(['GET /apis/apps/v1/namespaces/ns/deployments?limit=5000&labelSelector=app%3Dx%2Crun'])
    expect(accept).toContain('as=PartialObjectMetadataList')
  })

  test('a continuation that expired begins the list again, once', async () => {
    let calls = 0
    api.answer((request, response) => {
      calls++
      if (calls === 2) return void json(response, 410, status('Expired'))
      const isNext = request.url?.includes('continue=n')
      json(response, 200, isNext ? page(['c']) : page(['a', 'b'], 'n'))
    })
    expect((await cluster.list('ConfigMap', {})).map(({ name }) => name)).toEqual(['a', 'b', 'c'])
    expect(calls).toBe(4)
    api.answer((request, response) => {
      if (request.url?.includes('continue')) json(response, 410, status('Expired'))
      else json(response, 200, page(['a'], 'n'))
    })
    expect(await failureOf(cluster.list('ConfigMap', {}))).toMatchObject({ code: 'refused' })
    expect(api.asked).toHaveLength(4)
  })
})

test('connections are kept: a hundred calls, four at a time, open a handful', async () => {
  api.answer((_, response) => json(response, 200, { metadata: { name: 'x', uid: 'u' } }))
  const before = api.connections()
  const worker = async () => {
    for (let n = 0; n < 25; n++) await cluster.find('ConfigMap', 'x')
  }
  await Promise.all([worker(), worker(), worker(), worker()])
  expect(api.connections() - before).toBeLessThanOrEqual(8)
})

test('a removal of Secrets is in the foreground, of pods in the background', async () => {
  api.answer((_, response) => json(response, 200, {}))
  await cluster.remove('Secret', 'a')
  await cluster.removePod('b')
  expect(api.asked).toEqual([
    'DELETE /api/v1/namespaces/ns/secrets/a?propagationPolicy=Foreground',
    'DELETE /api/v1/namespaces/ns/pods/b?propagationPolicy=Background',
  ])
})

test('a log that the kubelet cannot find is none', async () => {
  api.answer((_, response) => response.end('unable to retrieve container logs for containerd://0123abc'))
  expect(await cluster.log('pod', 'main', 1000)).toBeUndefined()
})

test('the token goes with every call', async () => {
  const connection = connectApi({ env: api.env })
  let authorization: string | undefined
  api.answer((request, response) => {
    authorization = request.headers.authorization
    json(response, 401, status('Unauthorized'))
  })
  expect(await failureOf(createPoCluster({ connection }).find('ConfigMap', 'x'))).toMatchObject({ code: 'refused' })
  expect(authorization).toBe('Bearer the-token')
  await connection.close()
})
