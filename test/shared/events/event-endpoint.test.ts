import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import type { CloudEvent } from 'cloudevents'
import { describe, expect, test, vi } from 'vitest'
import { createSink } from '../../../shared/adapters/sink/index.ts'
import { eventEndpoint } from '../../../shared/events/event-endpoint.ts'
import { Fault } from '../../../shared/platform/fault.ts'
import { RECONCILE_TYPE, reconcileEvent } from '../../../shared/po/events.ts'
import type { AnalysisId } from '../../../shared/po/model.ts'
import { routes } from '../../../shared/routes/index.ts'
import { startEventBroker } from '../../sandbox/broker/index.ts'
import { createRealm, serveFunction } from '../http/edge.ts'

const realm = await createRealm()
const edge = () => realm.edge
const route = routes.po.statusReconcile

const CE = {
  'ce-specversion': '1.0',
  'ce-id': '1',
  'ce-source': '/apis/v1/namespaces/flame/pingsources/tick',
  'ce-type': 'dev.knative.sources.ping',
}
const STRUCTURED = { specversion: '1.0', id: '1', source: '/s', type: 't' }
const structured = (value: unknown, type = 'application/cloudevents+json') =>
  [{ 'content-type': type }, JSON.stringify(value)] as const

async function post(url: string, headers: Record<string, string>, body?: string | Buffer) {
  const { promise, resolve, reject } = Promise.withResolvers<import('node:http').IncomingMessage>()
  request(url, { method: 'POST', headers, agent: false }, resolve).on('error', reject).end(body)
  const response = await promise
  return { status: response.statusCode, headers: response.headers, body: await text(response) }
}

describe('an event', () => {
  const rows: [name: string, headers: Record<string, string>, body?: string | Buffer | undefined, seen?: object][] = [
    ['binary, no data', CE, undefined, { id: '1', type: 'dev.knative.sources.ping' }],
    ['binary, no data but its type', { ...CE, 'content-type': 'application/json' }],
    ['binary, JSON', { ...CE, 'content-type': 'application/json' }, '{"a":1}', { data: { a: 1 } }],
    [
      'binary, JSON with charset',
      { ...CE, 'content-type': 'Application/JSON; charset=UTF-8' },
      '{"a":1}',
      { data: { a: 1 } },
    ],
    ['binary, text', { ...CE, 'content-type': 'text/plain' }, 'tick'],
    ['binary, bytes', { ...CE, 'content-type': 'application/octet-stream' }, Buffer.from([0, 255, 254])],
    [
      'binary, with extensions',
      { ...CE, 'ce-traceparent': '00-1', 'ce-knativearrivaltime': 'x' },
      undefined,
      { traceparent: '00-1' },
    ],
    ['binary, with a time', { ...CE, 'ce-time': '2026-01-01T00:00:00Z' }],
    ['structured', ...structured({ ...STRUCTURED, data: { a: 1 } }), { data: { a: 1 } }],
    ['structured, charset in capitals', ...structured(STRUCTURED, 'application/cloudevents+json; charset=UTF-8')],
    ['structured, with extensions', ...structured({ ...STRUCTURED, partitionkey: 'k' }), { partitionkey: 'k' }],
    ['structured, binary data', ...structured({ ...STRUCTURED, data_base64: 'AAEC' })],
  ]
  test.each(rows)('%s: 204 without a body, seen once', async (_, headers, body, seen) => {
    const handle = vi.fn(async (_deps: unknown, _event: CloudEvent) => ({ swept: 3 }))
    await using server = await serveFunction(eventEndpoint(route, handle, () => undefined, { edge }))
    const answer = await post(server.url, headers, body)
    expect(answer).toMatchObject({ status: 204, body: '' })
    expect(answer.headers['content-type']).toBeUndefined()
    expect(handle).toHaveBeenCalledOnce()
    expect(handle.mock.calls[0]?.[1].toJSON()).toMatchObject(seen ?? {})
  })
})

describe('an event of our own', () => {
  const id = '4f0e6a52-8a3e-4d0e-9a55-2f6a0c1d7e11' as AnalysisId
  const event = reconcileEvent(id, 7, new Date(), '/namespaces/flame/po')
  const own = { type: RECONCILE_TYPE, subject: id, id: `7/${id}`, source: '/namespaces/flame/po' }
  const BINARY = Object.fromEntries(Object.entries({ specversion: '1.0', ...own }).map(([k, v]) => [`ce-${k}`, v]))
  const OWN = { specversion: '1.0', ...own }
  const json = { 'content-type': 'application/json' }
  const extensions = { partitionkey: id, knativearrivaltime: '2026-01-01T00:00:00Z', site: 'a b', n: '1' }
  const extended = Object.fromEntries(Object.entries(extensions).map(([k, v]) => [`ce-${k}`, encodeURIComponent(v)]))
  const rows: [name: string, headers: Record<string, string>, body?: string | undefined, seen?: object][] = [
    ['binary, no data', BINARY],
    ['binary, no data but its type', { ...BINARY, ...json }],
    ['binary, an empty object', { ...BINARY, ...json }, '{}', { data: {} }],
    ['binary, its data', { ...BINARY, ...json }, JSON.stringify(event.data), { data: event.data }],
    ['binary, any extension', { ...BINARY, ...json, ...extended }, '{}', extensions],
    ['binary, encoded throughout', { ...BINARY, 'ce-subject': id.replaceAll('4', '%34') }],
    ['binary, in quotes', { ...BINARY, 'ce-subject': `"${id}"`, 'ce-site': '"a \\" b"' }, undefined, { site: 'a " b' }],
    ['binary, an extension with a lone percent sign', { ...BINARY, 'ce-site': '100%' }, undefined, { site: '100%' }],
    ['structured, no data', ...structured(OWN)],
    ['structured, null for data', ...structured({ ...OWN, data: null })],
    ['structured, an empty text for data', ...structured({ ...OWN, data: '' })],
    ['structured, its data', ...structured({ ...OWN, data: event.data }), { data: event.data }],
    ['structured, any extension', ...structured({ ...OWN, ...extensions, flag: true }), { ...extensions, flag: true }],
    ['structured, a percent sign is one', ...structured({ ...OWN, site: '%34' }), { site: '%34' }],
  ]
  test.each(rows)('%s: 204, its type and subject known', async (_, headers, body, seen = {}) => {
    const handle = vi.fn(async (_deps: unknown, _event: CloudEvent) => {})
    await using server = await serveFunction(eventEndpoint(route, handle, () => undefined, { edge }))
    expect(await post(server.url, headers, body)).toMatchObject({ status: 204, body: '' })
    expect(handle.mock.calls).toMatchObject([[undefined, { ...own, ...seen }]])
  })

  test('comes from our sink through a broker as it was sent', async () => {
    const handle = vi.fn(async (_deps: unknown, _event: CloudEvent) => {})
    await using server = await serveFunction(eventEndpoint(route, handle, () => undefined, { edge }))
    const broker = await startEventBroker()
    broker.addTrigger({ filter: { type: RECONCILE_TYPE }, subscribers: [server.url] })
    await createSink({ url: broker.url, extensions: { site: 'ö "%20"' } }).emit(event)
    await broker.idle()
    await broker.stop()
    expect(broker.deliveries).toMatchObject([{ outcome: 'delivered', attempts: [{ status: 204 }] }])
    expect(handle.mock.calls).toMatchObject([[undefined, { ...own, data: event.data, site: 'ö "%20"' }]])
  })
})

describe('no event', () => {
  const without = (name: string) => Object.fromEntries(Object.entries(CE).filter(([key]) => key !== name))
  const rows: [name: string, headers: Record<string, string>, body?: string][] = [
    ['nothing', {}],
    ['some JSON', { 'content-type': 'application/json' }, '{"id":"1"}'],
    ['no specversion', without('ce-specversion')],
    ['no id', without('ce-id')],
    ['no source', without('ce-source')],
    ['no type', without('ce-type')],
    ['an empty type', { ...CE, 'ce-type': '' }],
    ['another version', { ...CE, 'ce-specversion': '9.9' }],
    ['broken JSON data', { ...CE, 'content-type': 'application/json' }, '{"a":'],
    ['structured, broken', { 'content-type': 'application/cloudevents+json' }, '{'],
    ['structured, empty', { 'content-type': 'application/cloudevents+json' }],
    ['structured, no id', ...structured({ ...STRUCTURED, id: undefined })],
    ['structured, a number for an id', ...structured({ ...STRUCTURED, id: 1 })],
    ['structured, a list', ...structured([STRUCTURED])],
    ['a batch', ...structured([STRUCTURED], 'application/cloudevents-batch+json')],
  ]
  test.each(rows)('%s: 400 in JSON, and the handler never ran', async (_, headers, body) => {
    const handle = vi.fn()
    await using server = await serveFunction(eventEndpoint(route, handle, () => undefined, { edge }))
    const answer = await post(server.url, headers, body)
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.body)).toEqual({ detail: expect.stringMatching(/^No CloudEvent: /) })
    expect(handle).not.toHaveBeenCalled()
  })

  test('more than 1 MiB: 413, and the handler never ran', async () => {
    const handle = vi.fn()
    await using server = await serveFunction(eventEndpoint(route, handle, () => undefined, { edge }))
    expect((await post(server.url, CE, 'x'.repeat(1024 * 1024 + 1))).status).toBe(413)
    expect(handle).not.toHaveBeenCalled()
  })
})

describe('a handler that throws', () => {
  test.each([
    [new Fault('unavailable', 'The sweep could not run.'), 503],
    [new Fault('bad_request', 'About nothing.'), 400],
    [new Fault('conflict', 'never 409'), 500],
    [new Fault('not_found', 'never 404'), 500],
    [new Error('a defect'), 500],
  ])('%s: %i', async (error, status) => {
    await using server = await serveFunction(
      eventEndpoint(
        route,
        () => Promise.reject(error),
        () => undefined,
        { edge },
      ),
    )
    const answer = await post(server.url, CE)
    expect(answer.status).toBe(status)
    expect(answer.headers['retry-after']).toBe(status === 503 ? '5' : undefined)
  })
})

test.each([
  ['GET', '/health/liveness', 200],
  ['GET', '/health/readiness', 200],
  ['GET', '/', 405],
  ['POST', '/elsewhere', 404],
])('%s %s: %i', async (method, path, status) => {
  const handle = vi.fn()
  await using server = await serveFunction(eventEndpoint(route, handle, () => undefined, { edge }))
  expect((await fetch(server.url + path, { method })).status).toBe(status)
  expect(handle).not.toHaveBeenCalled()
})
