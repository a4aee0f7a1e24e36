import { randomUUID } from 'node:crypto'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createHub, type HubOptions } from '../../../../shared/adapters/hub/index.ts'
import { createLruCache } from '../../../../shared/adapters/hub/lru-cache.ts'
import type { Fault } from '../../../../shared/platform/fault.ts'
import type { AnalysisId } from '../../../../shared/po/model.ts'
import type { Hub } from '../../../../shared/po/ports/hub.ts'
import { type HubSandbox, startHub } from '../../../sandbox/hub.ts'
import { type Break, SERVER_ERROR } from '../../../sandbox/stand-in.ts'

const CLIENT_SECRET = 'hub-secret-4711'
let sandbox: HubSandbox
beforeEach(async () => {
  sandbox = await startHub({ clientSecret: CLIENT_SECRET })
})
afterEach(() => sandbox.stop())

const hubOf = (options: Partial<HubOptions> = {}): Hub => {
  const { coreUrl, authUrl, clientId, clientSecret } = sandbox
  return createHub({ coreUrl, authUrl, clientId, clientSecret, deadlineMs: 10_000, ...options })
}
const newId = (): AnalysisId => randomUUID() as AnalysisId
const failure = (work: Promise<unknown>): Promise<Fault> =>
  work.then(
    () => expect.unreachable('it should have failed'),
    (error: Fault) => error,
  )

const LOGIN = /POST \/auth\/token/
const NODES = /GET \/core\/nodes/
const ROWS = /GET \/core\/analysis-nodes/

describe('what is remembered', () => {
  test('one login and one look-up of the node serve many calls at the same time', async () => {
    const hub = hubOf()
    const ids = Array.from({ length: 20 }, newId)
    for (const id of ids) sandbox.register(id, 1)
    await Promise.all(ids.map((id) => hub.analysisNode(id)))
    expect([sandbox.count(LOGIN), sandbox.count(NODES), sandbox.count(ROWS)]).toEqual([1, 1, 20])
  })

  test('our row of an analysis is looked up once', async () => {
    const hub = hubOf()
    const id = newId()
    sandbox.register(id, 1)
    await hub.analysisNode(id)
    await hub.analysisNode(id)
    expect(sandbox.count(ROWS)).toBe(1)
  })

  test('a row that was replaced on the Hub is looked up anew after it was refused', async () => {
    const hub = hubOf()
    const id = newId()
    const before = sandbox.register(id, 1).analysisNodeId
    await hub.analysisNode(id)
    sandbox.drop(id)
    const after = sandbox.register(id, 1).analysisNodeId
    expect((await failure(hub.updateStatus(before, 'started', null))).code).toBe('refused')
    expect(await hub.analysisNode(id)).toEqual({ analysisNodeId: after })
  })

  test('a failed look-up of the node is not remembered', async () => {
    const hub = hubOf()
    const id = newId()
    sandbox.register(id, 1)
    sandbox.fail(NODES, SERVER_ERROR)
    expect((await failure(hub.analysisNode(id))).code).toBe('unavailable')
    expect(await hub.analysisNode(id)).toBeDefined()
  })

  test('the cache is bounded: what was not used for the longest time goes', () => {
    const cache = createLruCache<string, number>(2)
    cache.set('a', 1)
    cache.set('b', 2)
    cache.get('a')
    cache.set('c', 3)
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([1, undefined, 3])
    cache.deleteValue(3)
    expect(cache.get('c')).toBeUndefined()
  })
})

describe('login', () => {
  test('a token that is no longer accepted is replaced once', async () => {
    const hub = hubOf()
    const id = newId()
    const { analysisNodeId } = sandbox.register(id, 1)
    await hub.updateStatus(analysisNodeId, 'started', null)
    sandbox.revokeTokens()
    await hub.updateStatus(analysisNodeId, 'executing', null)
    expect(sandbox.told(id).statuses.map(({ status }) => status)).toEqual(['started', 'executing'])
    expect(sandbox.count(LOGIN)).toBe(2)
  })

  test('many calls at the same time replace it once, all together', async () => {
    const hub = hubOf({ deadlineMs: 2000 })
    const ids = Array.from({ length: 20 }, newId)
    for (const id of ids) sandbox.register(id, 1)
    await hub.partners(newId())
    sandbox.revokeTokens()
    expect(await Promise.all(ids.map(async (id) => (await hub.partners(id)).length))).toEqual(Array(20).fill(1))
    expect(sandbox.count(LOGIN)).toBe(2)
  })

  test('a token that is never accepted leaves the report for later', async () => {
    sandbox.fail(/analysis-nodes/, { status: 401, body: {} }, 10)
    const fault = await failure(hubOf().updateStatus(randomUUID(), 'started', null))
    expect([fault.code, fault.message]).toEqual([
      'unavailable',
      'The Hub does not accept its own token to take the status of an analysis (401)',
    ])
    expect(sandbox.count(/analysis-nodes/)).toBe(2)
  })

  test('a wrong secret leaves the report for later: it can be mended', async () => {
    const fault = await failure(hubOf({ clientSecret: 'wrong-secret' }).updateStatus(randomUUID(), 'started', null))
    expect([fault.code, fault.message]).toEqual(['unavailable', "The Hub refused to issue this node's token (401)"])
    expect(inspect(fault, { depth: null })).not.toContain('wrong-secret')
  })

  test('a client without a node leaves the report for later', async () => {
    sandbox.fail(NODES, { status: 200, body: { data: [{ id: randomUUID(), clientId: 'other' }], meta: { total: 1 } } })
    expect((await failure(hubOf().partners(newId()))).code).toBe('unavailable')
  })
})

const echo = (status: number, headers: Record<string, string> = {}): Break => ({
  status,
  headers,
  body: { statusCode: status, code: 'bad_request', message: `${CLIENT_SECRET} and the log text` },
})
const BREAKS: readonly (readonly [string, Break, string])[] = [
  ['hangs', 'hang', 'unavailable'],
  ['cuts the connection', 'close', 'unavailable'],
  ['answers too late', { lateMs: 3000 }, 'unavailable'],
  ['answers 500', echo(500), 'unavailable'],
  ['answers 408', echo(408), 'unavailable'],
  ['answers 429', echo(429, { 'retry-after': '9' }), 'unavailable'],
  ['answers 400', echo(400), 'refused'],
  ['answers 403', echo(403), 'refused'],
  ['answers 404', echo(404), 'refused'],
  ['answers 507', echo(507), 'unavailable'],
]
const CALLS: Readonly<Record<string, (hub: Hub) => Promise<unknown>>> = {
  analysisNode: (hub) => hub.analysisNode(newId()),
  partners: (hub) => hub.partners(newId()),
  updateStatus: (hub) => hub.updateStatus(randomUUID(), 'started', 3),
  createLog: (hub) => hub.createLog(newId(), { level: 'info', message: 'the log text', status: null }),
}
const CASES = Object.keys(CALLS).flatMap((call) => BREAKS.map((how) => [call, ...how] as const))

test.each(CASES)('%s when the Hub %s is a fault that quotes nothing', async (call, what, how, code) => {
  sandbox.fail(/\/core\/analysis-node/, how, 100)
  const began = performance.now()
  const isSlow = how === 'hang' || (typeof how === 'object' && 'lateMs' in how)
  const hub = hubOf(isSlow ? { deadlineMs: 600 } : {})
  const fault = await failure(CALLS[call]?.(hub) ?? Promise.resolve())
  expect(fault.code).toBe(code)
  expect(performance.now() - began).toBeLessThan(8000)
  expect(fault.retryAfter).toBe(what === 'answers 429' ? 9 : undefined)
  const told = inspect(fault, { depth: null, showHidden: true })
  expect(told).not.toContain(CLIENT_SECRET)
  expect(told).not.toContain('the log text')
})

test.each([
  ['no JSON', '<html>'],
  ['a list', []],
  ['no data', { meta: {} }],
  ['rows that are none', { data: [null, 7, 'x', []], meta: { total: 4 } }],
  ['rows without ids', { data: [{}, { analysisId: 'x' }], meta: { total: 2 } }],
])('a Hub that answers %s has no partners or is refused, and does not break us', async (what, body) => {
  sandbox.fail(ROWS, { status: 200, body })
  const outcome = await hubOf()
    .partners(newId())
    .catch((error: Fault) => error.code)
  expect(outcome).toEqual(what === 'no JSON' ? 'refused' : [])
})

test('a Hub that ignores offsets and counts wrongly does not keep us for ever', async () => {
  const rows = Array.from({ length: 50 }, () => ({ id: randomUUID(), analysisId: randomUUID(), nodeId: randomUUID() }))
  sandbox.fail(ROWS, { status: 200, body: { data: rows, meta: {} } }, Number.POSITIVE_INFINITY)
  expect((await failure(hubOf().partners(newId()))).message).toBe(
    'The Hub sends rows without end when asked to list the partners of an analysis',
  )
})
