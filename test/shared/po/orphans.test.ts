/** Objects that no row accounts for, and runs of one id that follow each other closely. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { applyRoot, applyRun, requirePeers, runInput } from '../../../shared/po/apply-run.ts'
import { type CreateRequest, create } from '../../../shared/po/create.ts'
import type { Analysis } from '../../../shared/po/model.ts'
import { rootName, runName } from '../../../shared/po/names.ts'
import { sweep } from '../../../shared/po/reconcile/sweep.ts'
import { remove } from '../../../shared/po/remove.ts'
import { stop } from '../../../shared/po/stop.ts'
import { aftermath, nothing, objectsOf, settle } from './aftermath.ts'
import { request, startFixture } from './fixture.ts'
import { handsOn } from './hands-on.ts'

const fixture = await startFixture()
const { ports } = fixture
const { cluster } = ports
afterAll(() => fixture.stop())

let wanted: CreateRequest

beforeEach(() => {
  wanted = request()
})
afterEach(async () => {
  fixture.keycloak.heal()
  await remove(ports, undefined)
  fixture.answers.clear()
})

const { pods, number, answers, row, objects, nextSweep } = handsOn(fixture, () => wanted)

describe('objects that no row accounts for', () => {
  const GRACE = ports.settings.zombieGraceSeconds
  /** A process whose clock shows so many seconds more than that of Kubernetes. */
  const seconds = (ahead: number) => ({ ...ports, now: () => new Date(Date.now() + ahead * 1000) })

  /** Everything that a run consists of, and no row. */
  async function orphaned(run = 1) {
    const { id, projectId, image } = wanted
    const identity = { id, run: number(run), firstRun: number(run), projectId, image, needsKong: false }
    const input = runInput(identity as Analysis, await requirePeers(ports, false), ports)
    const login = { user: 'u', password: 'p' }
    const secrets = { login, registryHost: 'harbor.example', token: 'token', kongToken: 'k' }
    await applyRun(ports, input, await applyRoot(ports, input, secrets))
  }

  test('stay while they are young, and go with their pods when they are older than the grace', async () => {
    await orphaned()
    await pods.start(wanted.id, 1)
    await sweep(seconds(GRACE - 20))
    expect(await objects()).toEqual(objectsOf(1))
    await sweep(seconds(GRACE + 20))
    await ports.sleep(50)
    expect(await aftermath(fixture, wanted.id)).toEqual(nothing())
    expect(await cluster.pods({ app: runName(wanted.id, number(1)) })).toEqual([])
  })

  test('go although another run of the same id lives, whose own stay', async () => {
    await create(ports, { ...wanted, restartCounter: 6 })
    await orphaned(3)
    await sweep(seconds(GRACE + 20))
    await ports.sleep(50)
    expect(await objects()).toEqual(objectsOf(7, 7))
  })

  test('of a former run of a live analysis go, its root and its present run stay', async () => {
    await create(ports, wanted)
    await pods.start(wanted.id, 1)
    answers('stuck')
    await nextSweep()
    await nextSweep()
    await nextSweep()
    expect(await row()).toMatchObject({ run: 2, firstRun: 1 })
    const rootUid = (await cluster.find('ConfigMap', rootName(wanted.id, number(1))))?.uid ?? ''
    const former = { ...(await row()), run: number(1) } as Analysis
    await applyRun(ports, runInput(former, await requirePeers(ports, false), ports), rootUid)
    await sweep(seconds(GRACE + 20))
    await ports.sleep(50)
    expect(await objects()).toEqual(objectsOf(2))
  })

  test('of a live analysis never go, however old', async () => {
    await create(ports, wanted)
    await pods.start(wanted.id, 1)
    answers('executing')
    await nextSweep()
    for (let day = 0; day < 3; day += 1) {
      fixture.advance(86_400)
      await sweep(ports)
    }
    expect(await objects()).toEqual(objectsOf(1))
    expect(await row()).toMatchObject({ state: 'executing', run: 1 })
  })

  test('of a stop whose pods take their time are left to its removal', async () => {
    await create(ports, wanted)
    const slow = await pods.start(wanted.id, 1, { clings: true })
    await stop(ports, wanted)
    fixture.advance(GRACE + 20)
    await sweep(ports)
    expect(
      fixture.logged.filter(
        ({ event, fields }) => event === 'zombie removed' && String(fields['name']).includes(wanted.id),
      ),
    ).toEqual([])
    await pods.letGo(slow)
    await settle(fixture)
    expect(await aftermath(fixture, wanted.id)).toMatchObject({
      row: 'stopped 1',
      objects: [],
      client: false,
      removals: 0,
    })
  })
})

describe('runs of one id after each other', () => {
  test('the Keycloak client of a newer run survives the removal of the older one', async () => {
    await create(ports, wanted)
    fixture.keycloak.fail(/^DELETE /, { status: 503 }, 1)
    await expect(stop(ports, wanted)).rejects.toMatchObject({ code: 'unavailable' })
    fixture.advance(30) // whoever held the right to delete the client is late
    await create(ports, wanted)
    await settle(fixture)
    expect(await aftermath(fixture, wanted.id)).toMatchObject({
      row: 'started 2',
      objects: objectsOf(2, 2),
      client: true,
      removals: 0,
    })
  })

  test.each([
    ['that are still dying', { clings: true }],
    ['whose deletion has not begun', { overlooked: true }],
  ])('pods of an old run %s change nothing of the new one', async (_, look) => {
    await create(ports, wanted)
    const old = await pods.start(wanted.id, 1, look)
    answers('failed', 1)
    await stop(ports, wanted)
    await create(ports, wanted)
    await nextSweep()
    await pods.change(old, { phase: 'Failed', reason: 'Evicted' })
    await nextSweep()
    expect(await row()).toMatchObject({ state: 'started', run: 2, restarts: 0, cause: null })
    await pods.start(wanted.id, 2)
    answers('executing', 2)
    for (let round = 0; round < 3; round += 1) await nextSweep()
    expect(await row()).toMatchObject({ state: 'executing', run: 2, restarts: 0, cause: null })
    await ('clings' in look ? pods.letGo(old) : pods.remove(old))
    await settle(fixture)
    expect(await aftermath(fixture, wanted.id)).toMatchObject({
      row: 'executing 2',
      objects: objectsOf(2, 2),
      client: true,
      removals: 0,
    })
  })

  test('a restart waits for the last pod of the old run: never two at once', async () => {
    await create(ports, wanted)
    const dying = await pods.start(wanted.id, 1, { clings: true })
    answers('stuck')
    for (let round = 0; round < 6; round += 1) await nextSweep()
    expect(await row()).toMatchObject({ state: 'restarting', run: 1 })
    expect((await objects()).filter((name) => name.includes('…-2'))).toEqual([])
    await pods.letGo(dying)
    await nextSweep()
    await nextSweep()
    expect(await row()).toMatchObject({ state: 'started', run: 2, restarts: 1 })
    expect(await objects()).toEqual(objectsOf(2))
  })
})
