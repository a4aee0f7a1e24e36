/** What the loop tells the Hub and the analyses, also while Hub or Keycloak are away. */
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { type CreateRequest, create } from '../../../shared/po/create.ts'
import type { AnalysisId, RunNumber } from '../../../shared/po/model.ts'
import { credentialsName, proxyConfigName } from '../../../shared/po/names.ts'
import type { PoPorts } from '../../../shared/po/ports.ts'
import { recordLog } from '../../../shared/po/record-log.ts'
import { request, startFixture } from './fixture.ts'
import { ticking } from './ticking.ts'

const BACKLOG = 20
const fixture = await startFixture({ restartMax: 2, hubBacklogLines: BACKLOG })
const { ports, hub } = fixture
const { cluster } = ports
const { pods, pass, answer, working, one, rowOf, told, lines, reset } = ticking(fixture)
const INTERVAL = ports.settings.intervalSeconds
afterAll(() => fixture.stop())
afterEach(reset)

describe('what the Hub is told', () => {
  test('the story of restarts, in order, with markers, to its end', async () => {
    const wanted = request()
    await create(ports, wanted)
    for (const run of [1, 2, 3]) {
      await pods.start(wanted.id, run)
      answer(wanted, 'stuck')
      await pass(1)
      answer(wanted, undefined)
      await pass(3)
    }
    expect(await rowOf(wanted)).toMatchObject({ state: 'failed', run: 3, restarts: 2 })
    const stuck = 'the analysis reports that it could not connect to a service it needs'
    expect(lines(wanted)).toEqual([
      `ANALYSISSTARTUPERROR: ${stuck}; restart 1 of 2`,
      `ANALYSISSTARTUPERROR: ${stuck}; restart 2 of 2`,
      `ANALYSISFAILED: 2 of 2 restarts are used up; last cause: ${stuck}`,
    ])
    expect(told(wanted)).toEqual(['started 0', 'started 0', 'started 0', 'failed 0'])
  })

  test('without HUB_LOGGING: statuses only', async () => {
    const quiet: PoPorts = { ...ports, settings: { ...ports.settings, hubLogging: false } }
    const wanted = request()
    await create(quiet, wanted)
    await pods.start(wanted.id, 1)
    answer(wanted, 'stuck')
    await pass(1, quiet)
    answer(wanted, undefined)
    await pass(3, quiet)
    await pods.start(wanted.id, 2)
    answer(wanted, 'executing')
    await pass(1, quiet)
    await recordLog(quiet, line(wanted.id, 1))
    answer(wanted, 'failed')
    await pass(2, quiet)
    expect(told(wanted)).toEqual(['started 0', 'started 0', 'executing 0', 'executing 1', 'failed 1'])
    expect(lines(wanted)).toEqual([])
  })

  const line = (id: AnalysisId, progress: number) =>
    ({ id, level: 'info', message: `round ${progress}`, status: 'executing', progress, runHeader: undefined }) as const

  test('after it was away for long: the newest lines, one that names the gap, all statuses in order, the end last', async () => {
    const wanted = await one()
    hub.fail(/./, { status: 503 }, Number.POSITIVE_INFINITY)
    for (let progress = 1; progress <= 90; progress += 1) {
      await recordLog(ports, line(wanted.id, progress))
      if (progress % 30 === 0) await pass(2)
    }
    answer(wanted, 'executed')
    await pass(60)
    expect(told(wanted)).toEqual(['started 0', 'executing 0'])
    hub.heal()
    fixture.advance(400)
    await pass(2)
    const statuses = Array.from({ length: 90 }, (_, index) => `executing ${index + 1}`)
    expect(told(wanted)).toEqual(['started 0', 'executing 0', ...statuses, 'executed 100'])
    const kept = Array.from({ length: BACKLOG }, (_, index) => `round ${90 - BACKLOG + 1 + index}`)
    expect(lines(wanted)).toEqual([expect.stringMatching(/^\S+: 70 log lines left out/), ...kept])
  })

  test('when one report gets through, those of the others wait for nothing more', async () => {
    const all = await working(3)
    const [first, ...others] = all as [CreateRequest, ...CreateRequest[]]
    hub.fail(/./, { status: 503 }, Number.POSITIVE_INFINITY)
    for (const wanted of all) await recordLog(ports, line(wanted.id, 5))
    await pass(1)
    const at = (seconds: number) => new Date(ports.now().getTime() + seconds * 1000)
    await ports.store.postponeReports(first.id, at(0))
    for (const { id } of others) await ports.store.postponeReports(id, at(86_400))
    hub.heal()
    await pass(1)
    for (const wanted of all) expect(told(wanted).at(-1)).toBe('executing 5')
  })
})

describe('what an analysis is told', () => {
  const statusesOf = ({ id }: CreateRequest) =>
    fixture.heard.flatMap((one) => (one.id === id && one.partners ? [one.partners] : []))

  test('of its partners: all of them, on every page, and not of itself', async () => {
    const wanted = request()
    const { analysisNodeId, partners } = hub.register(wanted.id, 120)
    hub.setStatus(partners[110]?.analysisNodeId ?? '', 'executing')
    await create(ports, wanted)
    await pods.start(wanted.id, 1)
    answer(wanted, 'executing')
    await pass(1)
    const statuses = statusesOf(wanted).at(-1) ?? {}
    expect(Object.keys(statuses).toSorted()).toEqual(partners.map((partner) => partner.analysisNodeId).toSorted())
    expect(statuses).not.toHaveProperty(analysisNodeId)
    expect(statuses[partners[110]?.analysisNodeId ?? '']).toBe('executing')
  })

  test('while the Hub is away: what it said last, by whichever process', async () => {
    const wanted = request()
    const { partners } = hub.register(wanted.id, 2)
    const [first, second] = partners.map(({ analysisNodeId }) => analysisNodeId) as [string, string]
    hub.setStatus(first, 'started')
    await create(ports, wanted)
    await pods.start(wanted.id, 1)
    answer(wanted, 'executing')
    await pass(2)
    hub.setStatus(first, 'executing')
    hub.fail(/./, 'close', Number.POSITIVE_INFINITY)
    fixture.heard.length = 0
    await pass(4)
    expect(statusesOf(wanted)).toEqual(Array.from({ length: 4 }, () => ({ [first]: 'started', [second]: null })))
    hub.heal()
    await pass(1)
    expect(statusesOf(wanted).at(-1)).toEqual({ [first]: 'executing', [second]: null })
  })

  test('of partners of whom nothing was ever heard: an empty object', async () => {
    hub.fail(/./, { status: 500 }, Number.POSITIVE_INFINITY)
    const wanted = await one()
    expect(statusesOf(wanted)).toContainEqual({})
  })

  test.each([
    [2 * INTERVAL + 1, 0],
    [2 * INTERVAL, 1],
    [0, 1],
  ])('with %i s left of its token: %i fresh tokens, also for its next pod', async (left, count) => {
    const wanted = await one()
    const before = await rootToken(wanted.id)
    fixture.tokensLast.set(wanted.id, left)
    await pass(1)
    const tokens = fixture.heard.flatMap(({ id, token }) => (id === wanted.id && token ? [token] : []))
    expect(tokens).toHaveLength(count)
    expect(await rootToken(wanted.id)).toBe(tokens[0] ?? before)
    expect(new Set([before, ...tokens]).size).toBe(count + 1)
  })

  test('of its partners, although its token runs out and Keycloak is away', async () => {
    const wanted = await one()
    fixture.tokensLast.set(wanted.id, 5)
    fixture.keycloak.fail(/./, { status: 503 }, Number.POSITIVE_INFINITY)
    fixture.heard.length = 0
    await pass(2)
    fixture.keycloak.heal()
    expect(statusesOf(wanted)).toHaveLength(2)
    await pass(1)
    expect(fixture.heard.filter(({ id, token }) => id === wanted.id && token)).toHaveLength(1)
  })

  test('of a fresh token, although a part of its run is gone and cannot be put back', async () => {
    const wanted = await one()
    fixture.tokensLast.set(wanted.id, 5)
    fixture.heard.length = 0
    await cluster.remove('ConfigMap', proxyConfigName(wanted.id, 1 as RunNumber))
    await pass(1, { ...ports, cluster: { ...cluster, peers: async () => ({}) } })
    expect(fixture.heard.filter(({ id, token }) => id === wanted.id && token)).toHaveLength(1)
    expect(statusesOf(wanted)).toHaveLength(1)
    await pass(1)
    expect(await cluster.find('ConfigMap', proxyConfigName(wanted.id, 1 as RunNumber))).toBeDefined()
  })

  /** What the pod of a run would start with. */
  async function rootToken(id: AnalysisId): Promise<string> {
    const { url, token, namespace } = fixture.kubernetes
    const path = `/api/v1/namespaces/${namespace}/secrets/${credentialsName(id, 1 as RunNumber)}`
    const answer = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })
    const { data } = (await answer.json()) as { data: Record<string, string> }
    const [value = ''] = Object.entries(data).flatMap(([key, text]) => (/analysis/i.test(key) ? [text] : []))
    return Buffer.from(value, 'base64').toString()
  }
})
