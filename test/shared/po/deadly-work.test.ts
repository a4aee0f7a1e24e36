/**
 * One unit of work ends the process that does it, each time. It is counted before it is done, so that it is found out, done
 * alone, and less and less often; at last a removal goes on without it. All other analyses go on meanwhile.
 */
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { type CreateRequest, create } from '../../../shared/po/create.ts'
import { recordEnd } from '../../../shared/po/ending.ts'
import { history } from '../../../shared/po/history.ts'
import type { AnalysisId, AnalysisKey } from '../../../shared/po/model.ts'
import type { PoPorts } from '../../../shared/po/ports.ts'
import { sweep } from '../../../shared/po/reconcile/sweep.ts'
import { recordLog } from '../../../shared/po/record-log.ts'
import { remove } from '../../../shared/po/remove.ts'
import { wholeLogs } from '../../texts.ts'
import { request, startFixture } from './fixture.ts'
import { ticking } from './ticking.ts'

const fixture = await startFixture({}, { withSink: true })
const { ports } = fixture
const { pods, answer, rowOf, reset } = ticking(fixture)
afterAll(() => fixture.stop())
afterEach(reset)

type Deadly = (port: string, method: string, args: readonly unknown[]) => boolean

const NEVER = new Promise<never>(() => {})
const GATED = ['store', 'cluster', 'hub', 'analysisApi', 'sink', 'broker', 'identity'] as const

/** A process over the fixture's ports: from the deadly call on, none of its calls returns. */
function mortal(isDeadly: Deadly): { ports: PoPorts; death: Promise<'died'> } {
  const death = Promise.withResolvers<'died'>()
  let dead = false
  const call = async (name: string, method: string, act: () => unknown, args: readonly unknown[]) => {
    if (dead) return NEVER
    if (isDeadly(name, method, args)) {
      dead = true
      death.resolve('died')
      return NEVER
    }
    const [result] = await Promise.allSettled([act()])
    if (dead) return NEVER
    if (result.status === 'rejected') throw result.reason
    return result.value
  }
  const through = (name: (typeof GATED)[number]) =>
    new Proxy(ports[name] as object, {
      get(target, method, receiver) {
        const member = Reflect.get(target, method, receiver)
        if (typeof member !== 'function') return member
        return (...args: unknown[]) => call(name, String(method), () => member.apply(target, args), args)
      },
    })
  return {
    ports: { ...ports, ...Object.fromEntries(GATED.map((name) => [name, through(name)])) },
    death: death.promise,
  }
}

const INTERVAL_S = 30

/** Sweeps of processes that are started again when they die. Resolves to the rounds in which they did. */
async function rounds(count: number, isDeadly: Deadly): Promise<number[]> {
  const deaths: number[] = []
  for (let round = 1; round <= count; round += 1) {
    const process = mortal(isDeadly)
    const end = await Promise.race([process.death, sweep(process.ports).then(() => 'swept' as const)])
    if (end === 'died') deaths.push(round)
    fixture.advance(INTERVAL_S)
  }
  return deaths
}

const concerns = (id: AnalysisId, args: readonly unknown[]) => JSON.stringify(args).includes(id)

async function started(count: number): Promise<[CreateRequest, ...CreateRequest[]]> {
  const all = Array.from({ length: count }, () => request())
  for (const wanted of all) {
    await create(ports, wanted)
    await pods.start(wanted.id, 1)
    answer(wanted, 'executing')
  }
  return all as [CreateRequest, ...CreateRequest[]]
}

/** The gaps between deaths grow: the work is tried less and less often. */
function expectRarer(deaths: readonly number[]): void {
  const gaps = deaths.slice(1).map((round, index) => round - (deaths[index] ?? 0))
  expect(deaths.length).toBeGreaterThan(2)
  expect(deaths.length).toBeLessThan(10)
  expect(gaps.at(-1)).toBeGreaterThan(3 * (gaps[0] ?? 0))
}

const keyOf = async (wanted: CreateRequest) => (await rowOf(wanted))?.key ?? ('' as AnalysisKey)
const HOURS_2 = (2 * 3600) / INTERVAL_S

describe('a reconciliation that ends its process', () => {
  test('is found out among all others, which go on, and is tried less and less often', async () => {
    const [deadly, ...others] = await started(12)
    const poll: Deadly = (port, method, args) =>
      port === 'analysisApi' && method === 'healthz' && concerns(deadly.id, args)
    const first = await rounds(24, poll)
    for (const wanted of others) expect(await rowOf(wanted)).toMatchObject({ state: 'executing', unfinished: 0 })
    expectRarer([...first, ...(await rounds(HOURS_2, poll)).map((round) => round + 24)])
    expect((await rowOf(deadly))?.unfinished).toBeGreaterThan(3)
    fixture.advance(2 * 3600)
    await rounds(2, () => false)
    expect(await rowOf(deadly)).toMatchObject({ state: 'executing', unfinished: 0 })
  }, 120_000)
})

describe('a removal that ends its process', () => {
  async function ending(count: number): Promise<[CreateRequest, ...CreateRequest[]]> {
    const all = await started(count)
    for (const wanted of all) {
      await recordLog(ports, { ...LINE, id: wanted.id })
      const row = await rowOf(wanted)
      if (row) await recordEnd(ports, row, { outcome: 'executed', cause: 'it was finished', archive: true })
    }
    return all
  }
  const LINE = {
    level: 'info',
    message: 'the mean is 42',
    status: 'executing',
    progress: 1,
    runHeader: undefined,
  } as const

  const archived = async ({ id, spelling }: CreateRequest) =>
    (await wholeLogs(history(ports, { id, spelling }))).analysis[spelling]

  test('while it reads logs goes on without them, and everything of it goes', async () => {
    const [deadly, ...others] = await ending(6)
    const deaths = await rounds(
      60,
      (port, method, [pod]) => port === 'cluster' && method === 'log' && concerns(deadly.id, [pod]),
    )
    expect(deaths).toHaveLength(2)
    expect(await ports.store.pendingRemovals()).toEqual([])
    for (const wanted of [deadly, ...others]) {
      expect(await rowOf(wanted)).toBeUndefined()
      expect(await fixture.owned(wanted.id)).toEqual({ objects: [], client: false })
    }
    expect(await archived(deadly)).toEqual([expect.stringContaining('the mean is 42')])
  }, 120_000)

  test('while it archives is archived without lines and logs, and says so; its objects went before', async () => {
    const [deadly, ...others] = await ending(6)
    const key = await keyOf(deadly)
    const whole: Deadly = (port, method, args) =>
      port === 'store' && method === 'archive' && args[0] === key && args[3] === undefined
    const first = await rounds(1, whole)
    expect(first).toEqual([1])
    const deaths = await rounds(HOURS_2, whole)
    expect(deaths).toHaveLength(3)
    expect(await ports.store.pendingRemovals()).toEqual([])
    for (const wanted of [deadly, ...others]) expect((await fixture.owned(wanted.id)).objects).toEqual([])
    const [entry] = await ports.store.archiveEntries(undefined, 1, deadly.id)
    expect(JSON.parse(entry?.document ?? '{}')).toMatchObject({
      shortened: expect.stringContaining('ended their process'),
    })
    expect(await archived(deadly)).toEqual([expect.stringMatching(/^POLOG: 1 log line .* left out\n$/)])
    for (const wanted of others) expect(await archived(wanted)).toEqual([expect.stringContaining('the mean is 42')])
  }, 120_000)
})

describe('a delivery that ends its process', () => {
  test.each([
    ['to the Hub', 'hub', 'updateStatus', 'analysisNode'],
    ['to the event sink', 'sink', 'emit', 'emit'],
  ])(
    '%s is done alone and less and less often; those of others arrive',
    async (_, port, ...methods) => {
      const [deadly, ...others] = await started(8)
      const deliveries: Deadly = (of, method, args) =>
        of === port && methods.includes(method) && concerns(deadly.id, args)
      const deaths = await rounds(HOURS_2, deliveries)
      expectRarer(deaths)
      for (const { id } of others) {
        expect(fixture.hub.told(id).statuses.at(-1)).toMatchObject({ status: 'executing' })
        expect(fixture.emitted.filter(({ subject }) => subject === id).at(-1)?.type).toMatch(/executing$/)
      }
      fixture.advance(2 * 3600)
      await rounds(2, () => false)
      expect(fixture.hub.told(deadly.id).statuses.at(-1)).toMatchObject({ status: 'executing' })
      expect(fixture.emitted.filter(({ subject }) => subject === deadly.id).at(-1)?.type).toMatch(/executing$/)
      await remove(ports, undefined)
    },
    120_000,
  )
})
