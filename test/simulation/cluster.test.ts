/**
 * The behaviour of the Kubernetes model. The suite of the port (`test/conformance/cluster`) needs an HTTP API behind the
 * adapter, so the rows that matter for a run are repeated here.
 */
import { expect, test } from 'vitest'
import {
  applyChain,
  base64,
  config,
  deployment,
  ownedBy,
  policy,
  presentOf,
  secret,
} from '../conformance/cluster/objects.ts'
import { type ClusterModel, createClusterModel } from './cluster/index.ts'
import { createRandom } from './core/random.ts'
import { createTimeline } from './core/timeline.ts'

function setUp(trouble = 0) {
  const timeline = createTimeline()
  const gone: string[] = []
  const model = createClusterModel({
    timeline,
    random: createRandom(7),
    namespace: { things: new Map(), pods: new Map() },
    watch: { thingMade: () => undefined, thingGone: ({ kind }) => gone.push(kind), podMade: () => undefined },
    slowestMs: () => 500,
    trouble: () => trouble,
    troubled: () => undefined,
    started: () => undefined,
    gone: () => gone.push('Pod'),
  })
  /** Advances the clock; `look` is called after every step. */
  const pass = async (seconds: number, look: () => unknown = () => undefined) => {
    const end = timeline.elapsed() + seconds * 1000
    timeline.after(seconds * 1000, () => undefined)
    while (timeline.elapsed() < end) {
      await timeline.next()?.()
      await look()
    }
  }
  return { ...model, gone, pass }
}

const podOf = async ({ cluster }: Pick<ClusterModel, 'cluster'>, app: string) => (await cluster.pods({ app }))[0]

test('apply makes an object once, and takes away what it no longer names', async () => {
  const { cluster } = setUp()
  const first = await cluster.apply(config('one', { a: '1', b: '2' }, { color: 'red', shape: 'round' }))
  expect(await cluster.apply(config('one', { a: '3' }, { color: 'blue' }))).toEqual(first)
  expect(await cluster.find('ConfigMap', 'one')).toMatchObject({ uid: first.uid, labels: { color: 'blue' } })
  expect((await cluster.find('ConfigMap', 'one'))?.labels).toEqual({ color: 'blue' })
})

test('patchSecret changes the entries it names, and makes no Secret', async () => {
  const { cluster, namespace } = setUp()
  const { uid } = await cluster.apply(secret('token', { token: 'old', other: 'kept' }))
  expect(await cluster.patchSecret('token', { token: 'new' })).toMatchObject({ uid, owners: [] })
  expect(namespace.things.get('Secret/token')?.object['data']).toEqual({ token: base64('new'), other: base64('kept') })
  expect(await cluster.patchSecret('nothing', {})).toBeUndefined()
  expect(namespace.things.has('Secret/nothing')).toBe(false)
})

test('a pod runs, is ready, and is replaced when it is deleted', async () => {
  const world = setUp()
  await world.cluster.apply(deployment('runs'))
  await world.pass(30)
  const first = await podOf(world, 'runs')
  expect(first).toMatchObject({ phase: 'Running', ready: true, deleting: false })
  expect(await world.cluster.removePod(first?.name ?? '')).toBe(true)
  await world.pass(30)
  expect((await world.cluster.pods({ app: 'runs' })).map(({ name, ready }) => [name === first?.name, ready])).toEqual([
    [false, true],
  ])
})

test('a pod whose Secret is not there says so, and runs when it comes', async () => {
  const world = setUp()
  const object = deployment('unset')
  const spec = object['spec'] as { template: { spec: { containers: { env: object[] }[] } } }
  spec.template.spec.containers[0]?.env.push({ valueFrom: { secretKeyRef: { name: 'late', key: 'token' } } })
  await world.cluster.apply(object)
  await world.pass(10)
  expect((await podOf(world, 'unset'))?.containers[0]?.waiting?.reason).toBe('CreateContainerConfigError')
  await world.cluster.apply(secret('late', { token: 'x' }))
  await world.pass(10)
  expect(await podOf(world, 'unset')).toMatchObject({ ready: true })
})

test('a container that ended is started again in place, and how it ended stays known', async () => {
  const world = setUp()
  await world.cluster.apply(deployment('crash'))
  await world.pass(30)
  const [pod] = world.namespace.pods.values()
  if (pod) world.exit(pod, { reason: 'Error', exitCode: 3 })
  await world.pass(30)
  expect((await podOf(world, 'crash'))?.containers[0]).toMatchObject({
    restarts: 1,
    running: true,
    lastTerminated: { exitCode: 3, reason: 'Error' },
  })
})

/** ConfigMap, policy, Deployment, pods: none is deleted before those to its right. */
const IN_ORDER = /^1*0*$/

test.each([
  ['pods first, then Deployment, policy, ConfigMap', 30],
  ['in that order also right after it was made', 0],
])('a chain goes with its root: %s', async (_, age) => {
  const world = setUp()
  await applyChain(world.cluster, 'chain')
  await world.pass(age)
  expect(await world.cluster.remove('ConfigMap', 'chain')).toBe(true)
  expect(await world.cluster.find('ConfigMap', 'chain')).toMatchObject({ deleting: true })
  const seen: string[] = []
  await world.pass(60, async () => seen.push((await presentOf(world.cluster, 'chain')).map(Number).join('')))
  expect(seen.filter((sample) => !IN_ORDER.test(sample))).toEqual([])
  expect(seen.at(-1)).toBe('0000')
  expect(world.gone).toEqual(['Pod', 'Deployment', 'NetworkPolicy', 'ConfigMap'])
})

test('one run goes and leaves the root', async () => {
  const world = setUp()
  await applyChain(world.cluster, 'restart')
  await world.pass(30)
  await world.cluster.remove('NetworkPolicy', 'restart')
  await world.pass(60)
  expect(await presentOf(world.cluster, 'restart')).toEqual([true, false, false, false])
})

test('what has no owner left is collected', async () => {
  const world = setUp()
  await world.cluster.apply(policy('lost', ownedBy('ConfigMap', 'gone', 'uid-of-none')))
  await world.pass(5)
  expect(await world.cluster.find('NetworkPolicy', 'lost')).toBeUndefined()
})

test('in trouble every pod meets some, and in the end none stays away', async () => {
  const world = setUp(1)
  const names = Array.from({ length: 20 }, (_, nth) => `pod-${nth}`)
  for (const name of names) await world.cluster.apply(deployment(name))
  await world.pass(10)
  const early = (await world.cluster.pods({})).map(({ ready, unschedulable, containers }) => [
    ready,
    unschedulable !== null,
    containers[0]?.waiting?.reason,
  ])
  expect(new Set(early.map(String)).size).toBeGreaterThan(2)
  await world.pass(100)
  expect(await world.cluster.pods({})).not.toHaveLength(0)
})
