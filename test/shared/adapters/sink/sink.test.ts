import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createSink } from '../../../../shared/adapters/sink/index.ts'
import type { Fault } from '../../../../shared/platform/fault.ts'
import { reconcileEvent } from '../../../../shared/po/events.ts'
import type { AnalysisId } from '../../../../shared/po/model.ts'
import { sinkConformance } from '../../../conformance/sink.ts'
import { type EventBroker, startEventBroker } from '../../../sandbox/broker/index.ts'
import type { Break } from '../../../sandbox/stand-in.ts'

const ID = '4f0e6a52-8a3e-4d0e-9a55-2f6a0c1d7e11' as AnalysisId
const EVENT = reconcileEvent(ID, 7, new Date('2026-03-01T12:00:00Z'), '/namespaces/flame/po')

describe('conformance', () => {
  let broker: EventBroker
  beforeAll(async () => {
    broker = await startEventBroker()
  })
  afterAll(() => broker.stop())
  sinkConformance('a broker', () => ({ sink: () => createSink(broker), taken: () => broker.received }))
})

describe('a sink', () => {
  let broker: EventBroker
  beforeEach(async () => {
    broker = await startEventBroker()
  })
  afterEach(() => broker.stop())

  const emit = () => createSink({ url: broker.url, deadlineMs: 300 }).emit(EVENT)
  const faultOf = () =>
    emit().then(
      () => expect.unreachable(),
      (error: Fault) => error,
    )

  test.each([200, 202, 204])('that answers %i has taken the event', async (status) => {
    broker.fail(/./, { status, body: status === 204 ? undefined : { any: 'thing' } })
    await emit()
    expect(broker.requests).toEqual(['POST /flame/default'])
  })

  test.each<readonly [string, Break, string, string]>([
    ['answers 400', { status: 400, body: 'no' }, 'refused', 'The event sink refused to take an event (400)'],
    ['answers 401', { status: 401 }, 'refused', 'The event sink refused to take an event (401)'],
    ['answers 403', { status: 403 }, 'refused', 'The event sink refused to take an event (403)'],
    ['answers 409', { status: 409 }, 'refused', 'The event sink refused to take an event (409)'],
    ['answers 413', { status: 413 }, 'refused', 'The event sink refused to take an event (413)'],
    ['answers 404', { status: 404 }, 'unavailable', 'The event sink failed to take an event (404)'],
    ['answers 408', { status: 408 }, 'unavailable', 'The event sink failed to take an event (408)'],
    ['answers 425', { status: 425 }, 'unavailable', 'The event sink failed to take an event (425)'],
    ['answers 429', { status: 429 }, 'unavailable', 'The event sink failed to take an event (429)'],
    ['answers 302', { status: 302 }, 'unavailable', 'The event sink failed to take an event (302)'],
    ['answers 500', { status: 500 }, 'unavailable', 'The event sink failed to take an event (500)'],
    ['answers 503', { status: 503 }, 'unavailable', 'The event sink failed to take an event (503)'],
    ['hangs', 'hang', 'unavailable', 'The event sink took more than 0.3 s to take an event'],
    ['cuts the connection', 'close', 'unavailable', 'The event sink cannot be reached to take an event'],
  ])('that %s: one request, then the fault', async (_, how, code, message) => {
    broker.fail(/./, how)
    expect(await faultOf()).toMatchObject({ name: 'Fault', code, message })
    expect(broker.requests).toHaveLength(1)
    expect(broker.received).toEqual([])
  })

  test('that says when to come back is believed', async () => {
    broker.fail(/./, { status: 429, headers: { 'retry-after': '7' } })
    expect(await faultOf()).toMatchObject({ code: 'unavailable', retryAfter: 7 })
  })

  test('that is not there: unavailable', async () => {
    await broker.stop()
    expect(await faultOf()).toMatchObject({ code: 'unavailable' })
  })

  test('gets the extensions of K_CE_OVERRIDES, which change no attribute of the specification', async () => {
    const defined = ['id', 'type', 'source', 'subject', 'time', 'data', 'datacontenttype', 'dataschema', 'schemaurl']
    const others = Object.fromEntries(defined.map((name) => [name, 'x']))
    const extensions = { site: 'Köln 1', partitionkey: 'all', specversion: '0.3', ...others }
    await createSink({ url: broker.url, extensions }).emit(EVENT)
    expect(broker.received[0]?.attributes).toEqual({
      site: 'Köln 1',
      partitionkey: 'all',
      specversion: '1.0',
      type: EVENT.type,
      id: EVENT.id,
      source: EVENT.source,
      subject: ID,
      time: '2026-03-01T12:00:00.000Z',
      datacontenttype: 'application/json',
      knativearrivaltime: expect.any(String),
    })
    expect(JSON.parse(broker.received[0]?.data ?? '')).toEqual(EVENT.data)
  })

  test('is sent to over one connection, as long as it keeps it', async () => {
    let connections = 0
    const server = createServer((_, response) => void response.writeHead(202).end())
    server.on('connection', () => {
      connections += 1
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const sink = createSink({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
    for (const id of ['a', 'b', 'c']) await sink.emit({ ...EVENT, id })
    expect(connections).toBe(1)
    server.closeAllConnections()
    await sink.emit({ ...EVENT, id: 'd' })
    expect(connections).toBe(2)
    server.close().closeAllConnections()
  })

  test('is sent nothing that is no event: that is a defect of ours', async () => {
    const failure = createSink(broker).emit({ ...EVENT, type: '' })
    await expect(failure).rejects.toMatchObject({ name: 'Fault', code: 'unexpected' })
    expect(broker.requests).toEqual([])
  })
})
