/** The analysis's API, by its Service and by the API server: the same answers and the same faults. */
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createAnalysisApi } from '../../../../shared/adapters/analysis-api/index.ts'
import { byDnsName, type Reach } from '../../../../shared/adapters/reach.ts'
import type { Fault } from '../../../../shared/platform/fault.ts'
import { createSend, readText, type Send } from '../../../../shared/platform/http-client.ts'
import type { AnalysisId, RunNumber } from '../../../../shared/po/model.ts'
import type { AnalysisApi } from '../../../../shared/po/ports/analysis-api.ts'
import { type Break, type Incoming, type Reply, type StandIn, startStandIn } from '../../../sandbox/stand-in.ts'

const ID = '4f0e6a52-8a3e-4d0e-9a55-2f6a0c1d7e11' as AnalysisId
const RUN = 3 as RunNumber
const TOKEN = 'analysis-token-4711'
const DEADLINE = 800
/** For an analysis that does not answer anyway. */
const SHORT_DEADLINE = 200

let analysis: StandIn
let seen: Incoming[]
let reply: Reply
beforeEach(async () => {
  seen = []
  reply = { status: 200, body: { status: 'executing', token_remaining_time: 99 } }
  analysis = await startStandIn({
    handle: (request) => {
      seen.push(request)
      return reply
    },
  })
})
afterEach(() => analysis.stop())

const asked: string[] = []
const urlOf: Reach['urlOf'] = (service, port) => {
  asked.push(`${service}:${port}`)
  return analysis.url.replace(/\/$/, '')
}
const REACHES: Readonly<Record<string, () => Reach>> = {
  'its Service': () => ({ send: createSend(), urlOf }),
  'the API server': () => ({
    send: async ({ url, method, headers, body }, signal, limitBytes) => {
      const answer = await fetch(url, { method, headers: headers ?? {}, body: body ?? null, signal })
      const text = answer.body ? await readText(answer.body, limitBytes) : ''
      return { status: answer.status, text, retryAfter: null }
    },
    urlOf,
  }),
}

const failure = (work: Promise<unknown>): Promise<Fault> =>
  work.then(
    () => expect.unreachable('it should have failed'),
    (error: Fault) => error,
  )

describe.each(Object.keys(REACHES))('through %s', (way) => {
  const analysisApi = (deadlineMs = DEADLINE): AnalysisApi => {
    const reach = REACHES[way]?.()
    return reach ? createAnalysisApi({ ...reach, deadlineMs }) : expect.unreachable()
  }

  test('each call goes to the proxy of the run, port 80, with what the SDK expects', async () => {
    asked.length = 0
    await analysisApi().healthz(ID, RUN)
    await analysisApi().refreshToken(ID, RUN, TOKEN)
    await analysisApi().sendPartnerStatuses(ID, RUN, { one: 'executing', two: null })
    expect(asked).toEqual(Array(3).fill(`nginx-analysis-${ID}-3:80`))
    expect(seen.map(({ method, url, text }) => [method, url.pathname, text])).toEqual([
      ['GET', '/analysis/healthz', ''],
      ['POST', '/analysis/token_refresh', `{"token":"${TOKEN}"}`],
      ['POST', '/analysis/partner_status', '{"partner_status":{"one":"executing","two":null}}'],
    ])
    expect(seen.slice(1).map(({ headers }) => headers['content-type'])).toEqual([
      'application/json',
      'application/json',
    ])
  })

  test.each([
    [{ status: 'executing', token_remaining_time: 12 }, 'executing', 12],
    [{ status: 'executed', token_remaining_time: 0 }, 'executed', 0],
    [{ status: 'stuck', token_remaining_time: 7.5 }, 'stuck', 7.5],
    [{ status: 'stopped' }, 'stopped', null],
    [{ status: 'failed', token_remaining_time: null }, 'failed', null],
    [{ status: 'starting', token_remaining_time: '60' }, 'starting', null],
    [{ status: 'EXECUTED' }, 'unknown', null],
    [{ status: 7 }, 'unknown', null],
    [{}, 'unknown', null],
    [[], 'unknown', null],
    [null, 'unknown', null],
    ['"a text"', 'unknown', null],
  ])('health %j is %s with %s seconds left', async (body, status, tokenRemaining) => {
    reply = { status: 200, body }
    expect(await analysisApi().healthz(ID, RUN)).toEqual({ status, tokenRemaining })
  })

  test.each<readonly [string, Reply]>([
    ['no JSON', { status: 200, body: '<html>hello</html>' }],
    ['nothing', { status: 200, body: '' }],
    ['far too much', { status: 200, body: `"${'x'.repeat(70_000)}"` }],
    ['403', { status: 403, body: {} }],
  ])('health that is %s is refused', async (_, odd) => {
    reply = odd
    expect((await failure(analysisApi().healthz(ID, RUN))).code).toBe('refused')
  })

  const CALLS: Readonly<Record<string, (port: AnalysisApi) => Promise<unknown>>> = {
    healthz: (port) => port.healthz(ID, RUN),
    refreshToken: (port) => port.refreshToken(ID, RUN, TOKEN),
    sendPartnerStatuses: (port) => port.sendPartnerStatuses(ID, RUN, {}),
  }
  const BREAKS: readonly (readonly [string, Break, number])[] = [
    ['hangs', 'hang', SHORT_DEADLINE],
    ['cuts the connection', 'close', DEADLINE],
    ['answers too late', { lateMs: 3000 }, SHORT_DEADLINE],
    ['answers 500', { status: 500, body: { token: TOKEN } }, DEADLINE],
    ['answers 502 from its proxy', { status: 502, body: 'bad gateway' }, DEADLINE],
  ]

  test.each(Object.keys(CALLS).flatMap((call) => BREAKS.map((how) => [call, ...how] as const)))(
    '%s when the analysis %s is unavailable within the deadline and tells no token',
    async (call, _, how, deadline) => {
      analysis.fail(/./, how)
      const began = performance.now()
      const fault = await failure(CALLS[call]?.(analysisApi(deadline)) ?? Promise.resolve())
      expect(fault.code).toBe('unavailable')
      expect(performance.now() - began).toBeLessThan(deadline + 2500)
      expect(inspect(fault, { depth: null, showHidden: true })).not.toContain(TOKEN)
    },
  )

  test('an answer to a token or to partner statuses may be anything that is a success', async () => {
    reply = { status: 202, body: 'thanks' }
    await analysisApi().refreshToken(ID, RUN, TOKEN)
    await analysisApi().sendPartnerStatuses(ID, RUN, {})
    expect(seen).toHaveLength(2)
  })
})

test('by its Service, the name is that of the cluster', async () => {
  const urls: string[] = []
  const analysisApi = createAnalysisApi({
    ...byDnsName('flame', 'example.local'),
    send: async ({ url }) => {
      urls.push(url)
      return { status: 200, text: '{}', retryAfter: null }
    },
  })
  await analysisApi.healthz(ID, RUN)
  expect(urls).toEqual([`http://nginx-analysis-${ID}-3.flame.svc.example.local:80/analysis/healthz`])
})

test.each<readonly [string, Send]>([['never answers', () => new Promise(() => undefined)]])(
  'an API server that %s and ignores the signal ends at the deadline',
  async (_, send) => {
    const analysisApi = createAnalysisApi({ send, urlOf, deadlineMs: 50 })
    expect((await failure(analysisApi.healthz(ID, RUN))).code).toBe('unavailable')
  },
)

test('one analysis that hangs does not delay the next', async () => {
  const reach = REACHES['its Service']?.() ?? expect.unreachable()
  const analysisApi = createAnalysisApi({ ...reach, deadlineMs: 60_000 })
  analysis.fail(/./, 'hang', 50)
  const ended: string[] = []
  const hanging = Array.from({ length: 50 }, () => analysisApi.healthz(ID, RUN).catch(() => ended.push('ended')))
  await expect.poll(() => analysis.requests.length, { timeout: 10_000 }).toBe(50)
  await analysisApi.healthz(ID, RUN)
  expect(ended).toEqual([])
  await analysis.stop()
  await Promise.all(hanging)
  expect(ended).toHaveLength(50)
})
