import { CloudEvent, HTTP } from 'cloudevents'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type EventBroker, startEventBroker } from './broker/index.ts'
import { BROKER_RETRIES } from './broker/trigger.ts'
import { type Incoming, type Reply, type StandIn, startStandIn } from './stand-in.ts'

const FAST = { retries: 3, backoffMs: 10 }
const CE = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' }
const EVENT = { specversion: '1.0', id: '1', source: '/s', type: 't' }
const JSON_TYPE = { 'content-type': 'application/json' }
const STRUCTURED = { 'content-type': 'application/cloudevents+json' }

let broker: EventBroker
let subscriber: StandIn
let seen: Incoming[]
/** What the subscriber answers; the last one for ever. */
let answers: Reply[]
/** Resolves before the subscriber answers. */
let gate: Promise<unknown>

beforeEach(async () => {
  seen = []
  answers = [{ status: 204 }]
  gate = Promise.resolve()
  broker = await startEventBroker({ retry: FAST })
  subscriber = await startStandIn({
    handle: async (request) => {
      seen.push(request)
      const answer = answers.length > 1 ? answers.shift() : answers[0]
      await gate
      return answer ?? expect.unreachable()
    },
  })
})
afterEach(async () => {
  await broker.stop()
  await subscriber.stop()
})

async function post(headers: Record<string, string> = CE, body?: string): Promise<number> {
  const answer = await fetch(broker.url, { method: 'POST', headers, body: body ?? null })
  expect(await answer.text()).toBe('')
  return answer.status
}

const attemptsOf = (index = 0) => broker.deliveries[index]?.attempts.map(({ status }) => status)
const ids = () => seen.map(({ headers }) => headers['ce-id'])

describe('an event', () => {
  test.each<readonly [string, Record<string, string>, string | undefined, object, string]>([
    ['binary, no data', CE, undefined, { 'ce-type': 't' }, ''],
    ['binary, JSON', { ...CE, ...JSON_TYPE }, '{"a":1}', JSON_TYPE, '{"a":1}'],
    ['binary, encoded', { ...CE, 'ce-subject': 'a%20%C3%B6' }, undefined, { 'ce-subject': 'a%20%C3%B6' }, ''],
    ['structured, no data', STRUCTURED, JSON.stringify(EVENT), { 'ce-source': '/s' }, ''],
    ['structured, JSON', STRUCTURED, JSON.stringify({ ...EVENT, data: { a: 1 } }), JSON_TYPE, '{"a":1}'],
    [
      'structured, text',
      STRUCTURED,
      JSON.stringify({ ...EVENT, datacontenttype: 'text/plain', data: 'x' }),
      { 'content-type': 'text/plain' },
      'x',
    ],
    [
      'structured, extensions',
      STRUCTURED,
      JSON.stringify({ ...EVENT, site: 'ö', n: 1, gone: null }),
      { 'ce-site': '%C3%B6', 'ce-n': '1' },
      '',
    ],
  ])('%s: 202, and delivered in binary mode', async (_, headers, body, expected, data) => {
    broker.addTrigger({ subscribers: [subscriber.url] })
    expect(await post(headers, body)).toBe(202)
    await broker.idle()
    expect(seen).toHaveLength(1)
    expect(seen[0]?.text).toBe(data)
    expect(seen[0]?.headers).toMatchObject({ ...expected, 'ce-id': '1', 'ce-specversion': '1.0', prefer: 'reply' })
    expect(seen[0]?.headers['ce-gone']).toBeUndefined()
    expect(Date.parse(String(seen[0]?.headers['ce-knativearrivaltime']))).toBeGreaterThan(0)
  })

  test('as the SDK writes it, both ways, is delivered as the SDK reads it', async () => {
    broker.addTrigger({ subscribers: [subscriber.url] })
    const event = new CloudEvent({ ...EVENT, subject: 'x', partitionkey: 'x', data: { a: [1] } })
    for (const { headers, body } of [HTTP.binary(event), HTTP.structured(event)])
      expect(await post(headers as Record<string, string>, String(body))).toBe(202)
    await broker.idle()
    for (const { headers, text } of seen) {
      const read = HTTP.toEvent({ headers: { ...headers, 'content-type': 'application/json' }, body: text })
      expect(read).toMatchObject({ ...EVENT, subject: 'x', partitionkey: 'x', data: { a: [1] } })
    }
    expect(seen).toHaveLength(2)
  })

  test('is accepted without a matching trigger', async () => {
    expect(await post()).toBe(202)
    expect(broker.received).toHaveLength(1)
  })
})

describe('no event', () => {
  const without = (name: string) => Object.fromEntries(Object.entries(CE).filter(([key]) => key !== name))
  const rows: [name: string, headers: Record<string, string>, body?: string][] = [
    ['nothing', {}],
    ['some JSON', JSON_TYPE, '{}'],
    ['no specversion', without('ce-specversion')],
    ['another specversion', { ...CE, 'ce-specversion': '0.3' }],
    ['no id', without('ce-id')],
    ['no source', without('ce-source')],
    ['an empty type', { ...CE, 'ce-type': '' }],
    ['a time that is none', { ...CE, 'ce-time': 'noon' }],
    ['a bad attribute name', { ...CE, 'ce-a-b': '1' }],
    ['a bad escape', { ...CE, 'ce-subject': '%zz' }],
    ['a raw quote', { ...CE, 'ce-subject': 'a"b' }],
    ['structured, broken', STRUCTURED, '{'],
    ['structured, a list', STRUCTURED, '[]'],
    ['structured, no id', STRUCTURED, JSON.stringify({ ...EVENT, id: undefined })],
    ['structured, an object as attribute', STRUCTURED, JSON.stringify({ ...EVENT, subject: {} })],
    ['a batch', { 'content-type': 'application/cloudevents-batch+json' }, JSON.stringify([EVENT])],
  ]
  test.each(rows)('%s: 400, and it is not delivered', async (_, headers, body) => {
    broker.addTrigger({ subscribers: [subscriber.url] })
    expect(await post(headers, body)).toBe(400)
    await broker.idle()
    expect([broker.received, seen]).toEqual([[], []])
  })

  test.each([
    ['GET', '', 405],
    ['POST', '/elsewhere', 404],
  ])('%s %s: %i', async (method, path, status) => {
    expect((await fetch(broker.url + path, { method, headers: CE })).status).toBe(status)
    expect(broker.received).toEqual([])
  })
})

describe('a filter', () => {
  test.each<readonly [object, boolean]>([
    [{}, true],
    [{ type: 't' }, true],
    [{ type: 't', source: '/s' }, true],
    [{ type: 't', site: 'a' }, true],
    [{ type: 'T' }, false],
    [{ type: 't', source: '/other' }, false],
    [{ subject: '' }, false],
  ])('%j wants the event: %s', async (filter, wanted) => {
    broker.addTrigger({ filter: filter as Record<string, string>, subscribers: [subscriber.url] })
    await post({ ...CE, 'ce-site': 'a' })
    await broker.idle()
    expect(seen).toHaveLength(wanted ? 1 : 0)
  })

  test('of each trigger counts for it alone', async () => {
    broker.addTrigger({ filter: { type: 't' }, subscribers: [subscriber.url] })
    broker.addTrigger({ subscribers: [`${subscriber.url}/all`] })
    await post({ ...CE, 'ce-type': 'u' })
    await post()
    await broker.idle()
    expect(subscriber.requests.toSorted()).toEqual(['POST /', 'POST /all', 'POST /all'])
  })
})

describe('a subscriber', () => {
  beforeEach(() => broker.addTrigger({ subscribers: [subscriber.url] }))

  test.each([200, 202, 204])('that answers %i, empty, has it', async (status) => {
    answers = [{ status }]
    await post()
    await broker.idle()
    expect(broker.deliveries).toMatchObject([{ outcome: 'delivered', attempts: [{ status }] }])
  })

  test.each([500, 501, 502, 503, 504, 404, 408, 409, 429])('that answers %i gets it again', async (status) => {
    answers = [{ status, body: 'no' }, { status }, { status: 204 }]
    await post()
    await broker.idle()
    expect(attemptsOf()).toEqual([status, status, 204])
    expect(ids()).toEqual(['1', '1', '1'])
  })

  test.each([302, 400, 401, 403, 413, 422])('that answers %i has lost it', async (status) => {
    answers = [{ status, body: { detail: 'no' } }]
    await post()
    await broker.idle()
    expect(broker.deliveries).toMatchObject([{ outcome: 'lost', attempts: [{ status }] }])
  })

  test('that cuts the connection gets it again', async () => {
    subscriber.fail(/./, 'close', 2)
    await post()
    await broker.idle()
    expect(attemptsOf()).toEqual([null, null, 204])
  })

  test('that answers something else than an event gets it again', async () => {
    answers = [{ status: 200, body: { ok: true } }, { status: 200, body: 'fine' }, { status: 204 }]
    await post()
    await broker.idle()
    expect(attemptsOf()).toEqual([502, 502, 204])
  })

  test('that answers half an event gets it again, and nothing is published', async () => {
    answers = [{ status: 200, headers: { 'ce-specversion': '1.0', 'ce-id': '2' } }, { status: 204 }]
    await post()
    await broker.idle()
    expect(attemptsOf()).toEqual([502, 204])
    expect(broker.received).toHaveLength(1)
  })

  test('that never does better has lost it after the last retry', async () => {
    answers = [{ status: 503 }]
    await post()
    await broker.idle()
    expect(attemptsOf()).toEqual([503, 503, 503, 503])
    expect(broker.deliveries.map(({ outcome }) => outcome)).toEqual(['lost'])
  })

  test('that hangs is waited for, and does not keep the broker from stopping', async () => {
    subscriber.fail(/./, 'hang')
    await post()
    await expect(broker.idle(100)).rejects.toThrow('still under way')
    await broker.stop()
    expect(broker.deliveries).toEqual([])
  })

  test('that answers an event has it published', async () => {
    broker.addTrigger({ filter: { type: 'reply' }, subscribers: [`${subscriber.url}/replies`] })
    answers = [{ status: 200, headers: { ...CE, 'ce-id': '2', 'ce-type': 'reply' }, body: '{}' }, { status: 204 }]
    await post()
    await broker.idle()
    expect(broker.received.map(({ attributes }) => attributes['type'])).toEqual(['t', 'reply'])
    expect(subscriber.requests.toSorted()).toEqual(['POST /', 'POST /', 'POST /replies'])
  })

  test('that answers its own event for ever ends after 255 rounds', async () => {
    answers = [{ status: 200, headers: CE }]
    await post()
    await broker.idle()
    expect(seen).toHaveLength(255)
  })
})

describe('retries', () => {
  test('wait twice as long each time', async () => {
    broker.addTrigger({ subscribers: [subscriber.url] })
    answers = [{ status: 503 }]
    const began = Date.now()
    await post()
    await broker.idle()
    const total = FAST.backoffMs * (1 + 2 + 4)
    expect(Date.now() - began).toBeGreaterThanOrEqual(total - 5)
  })

  test('are those of a fresh installation where nothing else is said', () => {
    const pauses = Array.from({ length: BROKER_RETRIES.retries }, (_, n) => BROKER_RETRIES.backoffMs * 2 ** n)
    expect(pauses).toEqual([200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 102_400])
  })
})

describe('deliveries', () => {
  const send = async (count: number) => {
    for (let id = 1; id <= count; id += 1) await post({ ...CE, 'ce-id': String(id) })
  }

  test('go to the subscribers in turn', async () => {
    broker.addTrigger({ subscribers: ['/a', '/b', '/c', '/d'].map((path) => subscriber.url + path) })
    await send(8)
    await broker.idle()
    const turns = ['POST /a', 'POST /b', 'POST /c', 'POST /d']
    expect(subscriber.requests.toSorted()).toEqual([...turns, ...turns].toSorted())
  })

  test('go to the next subscriber when one is gone, and to one that joins', async () => {
    const gone = await startStandIn({ handle: () => ({ status: 204 }) })
    await gone.stop()
    const subscribers = [gone.url]
    broker.addTrigger({ subscribers })
    await send(1)
    subscribers.push(subscriber.url)
    await broker.idle()
    expect(broker.deliveries).toMatchObject([{ outcome: 'delivered' }])
    expect(attemptsOf()?.at(-1)).toBe(204)
    expect(ids()).toEqual(['1'])
  })

  test('are so many at a time, and one that hangs keeps only its own place', async () => {
    const opened = Promise.withResolvers<void>()
    gate = opened.promise
    broker.addTrigger({ subscribers: [subscriber.url], parallelism: 3 })
    await send(10)
    await expect.poll(() => seen.length).toBe(3)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(seen).toHaveLength(3)
    subscriber.fail(/./, 'hang')
    opened.resolve()
    await expect.poll(() => broker.deliveries.length).toBe(9)
    expect(new Set(ids())).toHaveProperty('size', 9)
  })

  test('without a limit of their own are a hundred at a time', async () => {
    const opened = Promise.withResolvers<void>()
    gate = opened.promise
    broker.addTrigger({ subscribers: [subscriber.url] })
    await send(120)
    await expect.poll(() => seen.length).toBe(100)
    opened.resolve()
    await broker.idle()
    expect(seen).toHaveLength(120)
  })
})
