/** What others do to an analysis by hand, or its node does, and what the sweeps after it make of that. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { applyRoot, applyRun, requirePeers, runInput } from '../../../shared/po/apply-run.ts'
import { type CreateRequest, create } from '../../../shared/po/create.ts'
import type { Analysis, AnalysisId, RunNumber } from '../../../shared/po/model.ts'
import {
  credentialsName,
  policyName,
  proxyConfigName,
  proxyName,
  proxyPolicyName,
  pullSecretName,
  runName,
  STANDING_POLICY_NAME,
} from '../../../shared/po/names.ts'
import type { OwnedKind, SdkStatus } from '../../../shared/po/ports.ts'
import { sweep } from '../../../shared/po/reconcile/sweep.ts'
import { remove } from '../../../shared/po/remove.ts'
import { stop } from '../../../shared/po/stop.ts'
import { aftermath, ended, nothing, objectsOf, settle } from './aftermath.ts'
import { request, startFixture } from './fixture.ts'
import { createPods, type Look } from './pods-by-hand.ts'

const fixture = await startFixture()
const { ports } = fixture
const { cluster } = ports
const pods = createPods(fixture.kubernetes)
afterAll(() => fixture.stop())

let wanted: CreateRequest
/** Pod of its first run. */
let pod: string

beforeEach(() => {
  wanted = request()
})
afterEach(async () => {
  fixture.keycloak.heal()
  await remove(ports, undefined)
  fixture.answers.clear()
})

const number = (run: number) => run as RunNumber
const answers = (answer: SdkStatus, run = 1) => fixture.answers.set(runName(wanted.id, number(run)), answer)
const silence = (run = 1) => fixture.answers.delete(runName(wanted.id, number(run)))
const row = async (): Promise<Analysis | undefined> => ports.store.find(wanted.id)
const objects = async () => (await aftermath(fixture, wanted.id)).objects

async function nextSweep() {
  fixture.advance(10)
  await sweep(ports)
  await ports.sleep(20) // the garbage collector works after the request that caused it
}

/** Applied, and nothing heard of it yet. */
async function started() {
  await create(ports, wanted)
  pod = await pods.start(wanted.id, 1)
}

async function executing() {
  await started()
  answers('executing')
  await nextSweep()
  expect(await row()).toMatchObject({ state: 'executing' })
}

describe('a pod that others or its node ended', () => {
  const OOM = { reason: 'OOMKilled', exitCode: 137 }
  const CRASH = { reason: 'Error', exitCode: 1 }
  const looks: readonly [string, Look, RegExp][] = [
    ['evicted', { phase: 'Failed', reason: 'Evicted', message: 'low on disk' }, /Evicted\): low on disk/],
    ['out of memory', { terminated: OOM }, /memory.*OOMKilled/],
    ['in a crash loop', { waiting: { reason: 'CrashLoopBackOff' }, lastTerminated: CRASH, restarts: 3 }, /exit code 1/],
    [
      'without its image',
      { waiting: { reason: 'ErrImagePull', message: 'not found' } },
      /image cannot be pulled.*not found/,
    ],
    [
      'misconfigured',
      { waiting: { reason: 'CreateContainerConfigError', message: 'no secret' } },
      /not valid.*no secret/,
    ],
  ]

  test.each(looks)('%s before it was heard of → the next run, and the cause is kept', async (_, look, cause) => {
    await started()
    await pods.change(pod, look)
    await nextSweep()
    expect(await row()).toMatchObject({ state: 'restarting', run: 1, cause: expect.stringMatching(cause) })
    await settle(fixture)
    expect(await row()).toMatchObject({ state: 'started', run: 2, restarts: 1 })
    expect(await objects()).toEqual(objectsOf(2))
  })

  test.each(looks)('%s while it worked → failed with that cause, and nothing is left', async (_, look, cause) => {
    await executing()
    silence()
    await pods.change(pod, look)
    await nextSweep()
    expect(await row()).toMatchObject({ state: 'failed', run: 1, cause: expect.stringMatching(cause) })
    await settle(fixture)
    const told = { hub: ['started 0', 'executing 0', 'failed 0'], lines: ['ANALYSISFAILED'] }
    expect(await aftermath(fixture, wanted.id)).toEqual(ended('failed', told))
  })

  test('evicted, and replaced by its Deployment → goes on', async () => {
    await executing()
    await pods.change(pod, { phase: 'Failed', reason: 'Evicted' })
    await pods.start(wanted.id, 1)
    await nextSweep()
    expect(await row()).toMatchObject({ state: 'executing', run: 1, restarts: 0 })
  })

  test('its node is drained: the old pod ends, a new one comes up elsewhere → goes on as it was', async () => {
    await create(ports, wanted)
    const old = await pods.start(wanted.id, 1, { clings: true })
    answers('executing')
    await nextSweep()
    silence()
    await pods.remove(old)
    const next = await pods.start(wanted.id, 1, { waiting: { reason: 'ContainerCreating' } })
    for (let round = 0; round < 12; round += 1) await nextSweep()
    expect(await row()).toMatchObject({ state: 'executing', restarts: 0 })
    await pods.letGo(old)
    await pods.change(next, {})
    await nextSweep() // it has only just begun: that it does not answer yet is not the old one's silence
    expect(await row()).toMatchObject({ state: 'executing', silentPolls: 1 })
    answers('executing')
    await nextSweep()
    expect(await row()).toMatchObject({ state: 'executing', run: 1, reapplied: false })
  })

  test('a pod without a node waits as long as it takes, and the log says why', async () => {
    await create(ports, wanted)
    await pods.start(wanted.id, 1, { unschedulable: '0/3 nodes have enough memory' })
    for (let round = 0; round < 20; round += 1) await nextSweep()
    expect(await row()).toMatchObject({ state: 'started', run: 1, restarts: 0 })
    const reasons = fixture.logged
      .filter(({ fields }) => fields['analysis'] === wanted.id)
      .map(({ fields }) => fields['reason'])
    expect(reasons).toContain('no node of the cluster can run it yet: 0/3 nodes have enough memory')
  })
})

describe('a Deployment or pod that was deleted by hand', () => {
  const deletions: readonly [string, () => Promise<unknown>][] = [
    ['Deployment', () => cluster.remove('Deployment', runName(wanted.id, number(1)))],
    ['pod', () => pods.remove(pod)],
  ]

  test.each(deletions)('%s before it was heard of → back, as often as that happens', async (_, destroy) => {
    await started()
    for (let round = 0; round < 3; round += 1) {
      await destroy()
      await nextSweep()
      expect(await objects()).toEqual(objectsOf(1))
      pod = await pods.start(wanted.id, 1)
    }
    expect(await row()).toMatchObject({ state: 'started', run: 1, restarts: 0 })
  })

  test.each(deletions)('%s while it worked → put back once, then failed with the cause', async (what, destroy) => {
    await executing()
    silence()
    await destroy()
    await nextSweep()
    expect(await row()).toMatchObject({ state: 'executing', reapplied: true, cause: `its ${what} was deleted` })
    expect(await objects()).toEqual(objectsOf(1))
    pod = await pods.start(wanted.id, 1)
    answers('executing')
    await nextSweep()
    expect(await row()).toMatchObject({ state: 'executing', run: 1 })
    silence()
    await destroy()
    await nextSweep()
    const cause = `its ${what} was deleted again after it had been put back`
    expect(await row()).toMatchObject({ state: 'failed', cause })
    await settle(fixture)
    expect(await aftermath(fixture, wanted.id)).toMatchObject({ objects: [], client: false })
  })
})

describe('a part of a run that was deleted while it worked', () => {
  const name = (make: (id: AnalysisId, run: RunNumber) => string) => make(wanted.id, number(1))
  const parts: readonly [string, OwnedKind, () => string][] = [
    ['policy of the proxy', 'NetworkPolicy', () => name(proxyPolicyName)],
    ['configuration of the proxy', 'ConfigMap', () => name(proxyConfigName)],
    ['Service of the proxy', 'Service', () => name(proxyName)],
    ['Deployment of the proxy', 'Deployment', () => name(proxyName)],
    ['Service of the analysis', 'Service', () => name(runName)],
  ]
  test.each(parts)('%s → back in the same sweep, and the work goes on', async (_, kind, part) => {
    await executing()
    expect(await cluster.remove(kind, part())).toBe(true)
    await nextSweep()
    expect(await objects()).toEqual(objectsOf(1))
    expect(await row()).toMatchObject({ state: 'executing', run: 1, reapplied: false, restarts: 0 })
  })

  test('policy of the run, with all that hangs below it → put back', async () => {
    await executing()
    silence()
    await cluster.remove('NetworkPolicy', name(policyName))
    await ports.sleep(50)
    await nextSweep()
    expect(await objects()).toEqual(objectsOf(1))
    expect(await row()).toMatchObject({ state: 'executing', run: 1, reapplied: true })
  })

  test('credentials → failed with that cause, and nothing is left', async () => {
    await executing()
    await cluster.remove('Secret', name(credentialsName))
    await nextSweep()
    expect(await row()).toMatchObject({ state: 'failed', cause: 'its credentials were lost' })
    await settle(fixture)
    expect(await aftermath(fixture, wanted.id)).toMatchObject({ row: 'failed 1', objects: [], client: false })
  })

  test('pull Secret → the run goes on; a restart, which would need it, fails with that cause', async () => {
    await executing()
    await cluster.remove('Secret', name(pullSecretName))
    await nextSweep()
    expect(await row()).toMatchObject({ state: 'executing', run: 1 })
    answers('stuck')
    await settle(fixture)
    expect(await row()).toMatchObject({ state: 'failed', cause: 'its credentials were lost' })
    expect(await aftermath(fixture, wanted.id)).toMatchObject({ objects: [], client: false })
  })

  test('the standing policy → back with whatever is made next, before anything else of it', async () => {
    await started()
    await cluster.remove('NetworkPolicy', STANDING_POLICY_NAME)
    await cluster.remove('Service', name(runName))
    await nextSweep()
    expect(await cluster.find('NetworkPolicy', STANDING_POLICY_NAME)).toBeDefined()
    await cluster.remove('NetworkPolicy', STANDING_POLICY_NAME)
    await create(ports, request())
    expect(await cluster.find('NetworkPolicy', STANDING_POLICY_NAME)).toBeDefined()
  })
})

describe('objects that no row accounts for', () => {
  const GRACE = ports.settings.zombieGraceSeconds
  /** A process whose clock shows so many seconds more than that of Kubernetes. */
  const seconds = (ahead: number) => ({ ...ports, now: () => new Date(Date.now() + ahead * 1000) })

  /** Everything that a run consists of, and no row. */
  async function orphaned(run = 1) {
    const { id, projectId, image } = wanted
    const identity = { id, run: number(run), firstRun: number(run), projectId, image, needsKong: false }
    const input = runInput(identity as Analysis, await requirePeers(ports, false), ports)
    const secrets = { registryUser: 'u', registryPassword: 'p', kongToken: 'k' }
    await applyRun(ports, input, await applyRoot(ports, input, 'token', secrets, 'harbor.example'))
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

  test('of a live analysis never go, however old', async () => {
    await executing()
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
