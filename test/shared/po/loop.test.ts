/** The loop and the analyses it watches: it was away for long, or blind for a while, or one of them really is silent. */
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { Fault } from '../../../shared/platform/fault.ts'
import { type CreateRequest, create } from '../../../shared/po/create.ts'
import { healthz } from '../../../shared/po/healthz.ts'
import { reconcileOne } from '../../../shared/po/reconcile/reconcile.ts'
import { sweep } from '../../../shared/po/reconcile/sweep.ts'
import { request, startFixture } from './fixture.ts'
import { ticking } from './ticking.ts'

const fixture = await startFixture()
const { ports } = fixture
const { pods, pass, answer, working, rowOf, reset } = ticking(fixture)
afterAll(() => fixture.stop())
afterEach(reset)

const UNHARMED = { state: 'executing', run: 1, restarts: 0, cause: null }
const states = async (all: readonly CreateRequest[]) => (await Promise.all(all.map(rowOf))).map((row) => row?.state)

describe('a loop that was away for ten minutes', () => {
  test('harms no analysis that is well', async () => {
    const all = await working(5)
    const starting = request()
    await create(ports, starting)
    await pods.start(starting.id, 1)
    fixture.advance(600)
    await pass(2)
    for (const wanted of all) expect(await rowOf(wanted)).toMatchObject(UNHARMED)
    expect(await rowOf(starting)).toMatchObject({ state: 'started', run: 1, restarts: 0 })
  })

  test.each([1, 2])('harms none that had not answered %i times before and is slow once after', async (polls) => {
    const all = await working(5)
    const [slow] = all as [CreateRequest]
    answer(slow, undefined)
    await pass(polls)
    fixture.advance(600)
    await pass(2)
    expect(await rowOf(slow)).toMatchObject({ state: 'executing', restarts: 0 })
    answer(slow, 'executing')
    await pass(1)
    for (const wanted of all) expect(await rowOf(wanted)).toMatchObject({ ...UNHARMED, silentPolls: 0 })
  })

  test('starts no run anew that had not been heard of yet and needs a little longer', async () => {
    const wanted = request()
    await create(ports, wanted)
    await pods.start(wanted.id, 1)
    await pass(2)
    fixture.advance(600)
    await pass(2)
    expect(await rowOf(wanted)).toMatchObject({ state: 'started', run: 1, restarts: 0 })
    answer(wanted, 'executing')
    await pass(1)
    expect(await rowOf(wanted)).toMatchObject(UNHARMED)
  })

  test('is back in healthz with its first sweep', async () => {
    await pass(1)
    await expect(healthz(ports)).resolves.toEqual({ status: 'ok' })
    fixture.advance(600)
    await expect(healthz(ports)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/No sweep/),
    })
    await pass(1)
    await expect(healthz(ports)).resolves.toEqual({ status: 'ok' })
  })
})

describe('silence', () => {
  test('of most analyses at once is our fault: no verdict however long, healthz 503, and none fails after it', async () => {
    const all = await working(5)
    const quiet = all.slice(0, 3)
    for (const wanted of quiet) answer(wanted, undefined)
    await pass(15)
    expect(await states(all)).toEqual(all.map(() => 'executing'))
    await expect(healthz(ports)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/do not answer/),
    })
    for (const wanted of quiet) answer(wanted, 'executing')
    await pass(4)
    for (const wanted of all) expect(await rowOf(wanted)).toMatchObject({ ...UNHARMED, silentPolls: 0 })
    await expect(healthz(ports)).resolves.toEqual({ status: 'ok' })
  })

  test('of one among many fails it when its budget is spent, not before; the others go on', async () => {
    const all = await working(5)
    const [silent, ...others] = all as [CreateRequest, ...CreateRequest[]]
    answer(silent, undefined)
    await pass(6)
    expect(await rowOf(silent)).toMatchObject({ state: 'executing', silentPolls: 6 })
    await pass(2)
    const cause = expect.stringMatching(/^its egress proxy is not ready for \d+ s \(budget 60 s\)$/)
    expect(await rowOf(silent)).toMatchObject({ state: 'failed', cause })
    expect(await states(others)).toEqual(others.map(() => 'executing'))
    await expect(healthz(ports)).resolves.toEqual({ status: 'ok' })
  })

  test('ends with an answer, even of a sweep and of a look that cannot read Kubernetes then', async () => {
    const all = await working(5)
    const [swept, lookedAt] = all as [CreateRequest, CreateRequest]
    for (const wanted of [swept, lookedAt]) answer(wanted, undefined)
    await pass(4)
    const away = async () => {
      throw new Fault('unavailable', 'the API server is away')
    }
    const blind = { ...ports, cluster: { ...ports.cluster, list: away, pods: away } }
    for (const wanted of [swept, lookedAt]) answer(wanted, 'executing')
    await reconcileOne(blind, lookedAt.id)
    expect(await rowOf(lookedAt)).toMatchObject({ ...UNHARMED, silentPolls: 0 })
    expect(await rowOf(swept)).toMatchObject({ ...UNHARMED, silentPolls: 4 })
    await expect(sweep(blind)).rejects.toThrow('the API server is away')
    expect(await rowOf(swept)).toMatchObject({ ...UNHARMED, silentPolls: 0 })
  })

  test.each([
    ['two of two', 2, 2],
    ['three of six', 6, 3],
  ])('of %s is theirs', async (_, count, silent) => {
    const all = await working(count)
    for (const wanted of all.slice(0, silent)) answer(wanted, undefined)
    await pass(9)
    expect(await states(all)).toEqual(all.map((_, index) => (index < silent ? 'failed' : 'executing')))
  })
})
