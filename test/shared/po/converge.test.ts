/** What others do to an analysis by hand, or its node does, and what the sweeps after it make of that. */
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type CreateRequest, create } from '../../../shared/po/create.ts'
import type { AnalysisId, RunNumber } from '../../../shared/po/model.ts'
import {
  credentialsName,
  policyName,
  proxyConfigName,
  proxyName,
  proxyPolicyName,
  rootName,
  runName,
  STANDING_POLICY_NAME,
} from '../../../shared/po/names.ts'
import type { OwnedKind } from '../../../shared/po/ports/cluster.ts'
import { remove } from '../../../shared/po/remove.ts'
import { aftermath, ended, objectsOf, settle } from './aftermath.ts'
import { request, startFixture } from './fixture.ts'
import { handsOn } from './hands-on.ts'
import type { Look } from './pods-by-hand.ts'

const fixture = await startFixture()
const { ports } = fixture
const { cluster } = ports
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

const { pods, number, answers, silence, row, objects, nextSweep } = handsOn(fixture, () => wanted)

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
    ['in a crash loop', { waiting: { reason: 'CrashLoopBackOff' }, lastTerminated: CRASH, restarts: 3 }, /exit code 1/],
    [
      'misconfigured',
      { waiting: { reason: 'CreateContainerConfigError', message: 'no secret' } },
      /not valid.*no secret/,
    ],
  ]

  const hopeless: readonly [string, Look, RegExp][] = [
    ['out of memory', { terminated: OOM }, /memory.*OOMKilled.*ANALYSIS_MEMORY_LIMIT=2Gi/],
    ['with a bad image name', { waiting: { reason: 'InvalidImageName', message: 'upper case' } }, /name of its image/],
  ]
  const PULL: Look = { waiting: { reason: 'ErrImagePull', message: 'not found' } }

  test.each(hopeless)('%s before it was heard of → failed without a restart', async (_, look, cause) => {
    await started()
    await pods.change(pod, look)
    await nextSweep()
    expect(await row()).toMatchObject({ state: 'failed', run: 1, restarts: 0, cause: expect.stringMatching(cause) })
  })

  test('without its image → Kubernetes retries the pull; failed when the budget is used up', async () => {
    await started()
    await pods.change(pod, PULL)
    await nextSweep()
    expect(await row()).toMatchObject({ state: 'started', run: 1 })
    fixture.advance(ports.settings.budgets.pullSeconds)
    await nextSweep()
    const cause = expect.stringMatching(/image cannot be pulled \(ErrImagePull\): not found$/)
    expect(await row()).toMatchObject({ state: 'failed', run: 1, restarts: 0, cause })
  })

  test('without its image, which is pushed later → the same run starts', async () => {
    await started()
    await pods.change(pod, PULL)
    await nextSweep()
    await pods.change(pod, {})
    answers('executing')
    await nextSweep()
    expect(await row()).toMatchObject({ state: 'executing', run: 1, restarts: 0 })
  })

  test.each(looks)('%s before it was heard of → the next run, and the cause is kept', async (_, look, cause) => {
    await started()
    await pods.change(pod, look)
    await nextSweep()
    expect(await row()).toMatchObject({ state: 'restarting', run: 1, cause: expect.stringMatching(cause) })
    await settle(fixture)
    expect(await row()).toMatchObject({ state: 'started', run: 2, restarts: 1 })
    expect(await objects()).toEqual(objectsOf(2))
  })

  const all = [...looks, ...hopeless, ['without its image', PULL, /image cannot be pulled.*not found/] as const]
  test.each(all)('%s while it worked → failed with that cause, and nothing is left', async (_, look, cause) => {
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

  test('policy of the run alone → put back, and the Deployment belongs to the new one', async () => {
    await executing()
    const { url, token, namespace } = fixture.kubernetes
    const path = `/apis/networking.k8s.io/v1/namespaces/${namespace}/networkpolicies/${name(policyName)}`
    const headers = { authorization: `Bearer ${token}` }
    await fetch(`${url}${path}?propagationPolicy=Orphan`, { method: 'DELETE', headers })
    await ports.sleep(50)
    await nextSweep()
    const policy = await cluster.find('NetworkPolicy', name(policyName))
    const owners = (await cluster.find('Deployment', name(runName)))?.owners
    expect(owners).toEqual([{ kind: 'NetworkPolicy', name: name(policyName), uid: policy?.uid }])
    expect(await row()).toMatchObject({ state: 'executing', run: 1, reapplied: false })
  })

  test('root → failed with that cause, and nothing is left', async () => {
    await executing()
    await cluster.remove('ConfigMap', name(rootName))
    await nextSweep()
    expect(await row()).toMatchObject({ state: 'failed', cause: 'its root object was deleted' })
    await settle(fixture)
    expect(await aftermath(fixture, wanted.id)).toMatchObject({ row: 'failed 1', objects: [], client: false })
  })

  test('credentials → the run goes on; a restart, which would need it, fails with that cause', async () => {
    await executing()
    await cluster.remove('Secret', name(credentialsName))
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
