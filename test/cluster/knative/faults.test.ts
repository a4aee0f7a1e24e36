/** Faults of pods and deletions by other users: the cause of each is reported, and the analysis converges. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { MISBEHAVIOURS } from '../../sandbox/images/misbehave.ts'
import { type ApiObject, eventually, type PodObject } from '../api.ts'
import { loadPrograms, type Program } from '../images.ts'
import { timed } from '../world.ts'
import { type Node, openNode } from './node.ts'

const MISBEHAVE = 'test/sandbox/images/misbehave.ts'
const misbehaving = (kind: keyof typeof MISBEHAVIOURS | 'nothing-known'): Program => ({
  entry: MISBEHAVE,
  env: { MISBEHAVIOUR: kind },
})
const PROGRAMS = {
  endless: misbehaving('endless'),
  flaky: misbehaving('flaky'),
  stuck: misbehaving('stuck'),
  silent: misbehaving('silent'),
  crash: misbehaving('crash'),
  'crash-loop': misbehaving('nothing-known'),
  greedy: { entry: 'test/cluster/pods/greedy.ts' },
} satisfies Record<string, Program>

let node: Node
let images: Readonly<Record<keyof typeof PROGRAMS, string>>
beforeAll(async () => {
  node = openNode()
  images = await loadPrograms(node.environment, PROGRAMS)
})
afterAll(() => node.close())

/** A peer may not be ready yet: the request is repeated on 503. */
const remove = async (id: string) => {
  await eventually('it is deleted', async () => (await node.send('DELETE', `/po/delete/${id}`)).ok)
  await node.untilGone(id, 90_000)
}
const alive = (pods: readonly PodObject[]) => pods.filter(({ metadata }) => !metadata.deletionTimestamp)
const runsOf = async (id: string) =>
  alive(await node.podsOf(id)).map(({ metadata }) => Number(metadata.labels?.['flame-po/run']))
const messages = async (id: string) => (await node.told(id)).logs.map(({ message }) => message)

interface Case {
  readonly what: string
  readonly image: () => string
  readonly ends: 'failed' | 'executed'
  /** Part of the line at the Hub. */
  readonly cause: RegExp
}

/** With two restarts. */
const CASES: readonly Case[] = [
  {
    what: 'stuck at first',
    image: () => images.flaky,
    ends: 'executed',
    cause: /could not connect to a service it needs/,
  },
  {
    what: 'stuck for ever',
    image: () => images.stuck,
    ends: 'failed',
    cause: /2 of 2 restarts are used up.*could not connect/s,
  },
  {
    what: 'silent',
    image: () => images.silent,
    ends: 'failed',
    cause: /2 of 2 restarts.*it does not answer for \d+ s/s,
  },
  { what: 'crashing while it works', image: () => images.crash, ends: 'failed', cause: /exit code 1/ },
  {
    what: 'crash-looping',
    image: () => images['crash-loop'],
    ends: 'failed',
    cause: /exit code 1, like run 1 before it/,
  },
  {
    what: 'made of an image that nobody has',
    image: () => 'registry.invalid/nobody/has:1',
    ends: 'failed',
    cause: /image cannot be pulled \((ErrImagePull|ImagePullBackOff)\)/,
  },
  { what: 'greedy', image: () => images.greedy, ends: 'failed', cause: /more memory than its limit.*OOMKilled/s },
]

describe('an analysis that is', () => {
  test.concurrent.each(CASES)('$what ends $ends, and the Hub knows why', { timeout: 240_000 }, async (each) => {
    const id = randomUUID()
    await node.create(id, each.image())
    const ended = await eventually(
      `${each.what} ends`,
      async () => {
        const last = (await node.told(id)).statuses.at(-1)?.status
        return (last === 'failed' || last === 'executed') && last
      },
      220_000,
    )
    const said = await messages(id)
    expect({ ended, said }).toEqual({
      ended: each.ends,
      said: expect.arrayContaining([expect.stringMatching(each.cause)]),
    })
    await eventually('its pods are gone', async () => (await node.podsOf(id)).length === 0)
    await remove(id)
    expect(await node.hasClient(id)).toBe(false)
  })
})

type Pods = readonly PodObject[]
const uids = (pods: Pods) => alive(pods).map(({ metadata }) => metadata.uid)

/** Deletions while an analysis executes, and whether its pod survives. */
const HANDS: readonly (readonly [what: string, act: (id: string) => Promise<unknown>, keepsPod: boolean])[] = [
  [
    'its pod',
    async (id) => node.api.remove('Pod', (await node.podsOf(id))[0]?.metadata.name ?? '', 'Background'),
    false,
  ],
  ['its Deployment', (id) => node.api.remove('Deployment', `analysis-${id}-1`, 'Background'), false],
  ['its proxy', (id) => node.api.remove('Deployment', `nginx-analysis-${id}-1`, 'Background'), true],
  [
    "its proxy's pod",
    async (id) => {
      const [proxy] = await node.api.pods(`component=flame-analysis-nginx,flame-po/analysis-id=${id}`)
      await node.api.remove('Pod', proxy?.metadata.name ?? '', 'Background')
    },
    true,
  ],
  ['its policy', (id) => node.api.remove('NetworkPolicy', `nginx-to-analysis-${id}-1-policy`, 'Orphan'), true],
  [
    "the broker's pod",
    async () => {
      const [broker] = await node.api.pods('component=flame-message-broker')
      if (!broker) throw new Error('no broker')
      await node.api.remove('Pod', broker.metadata.name, 'Background')
      await eventually('it is gone', async () => (await node.api.find('Pod', broker.metadata.name)) === undefined)
      const { name, labels = {} } = broker.metadata
      await node.api.create({ apiVersion: 'v1', kind: 'Pod', metadata: { name, labels }, spec: broker.spec })
      await eventually('it is back', async () => isReady(await node.api.find('Pod', name)))
    },
    true,
  ],
  [
    'all pods of the orchestration',
    async () => {
      const pods = await node.api.pods('app.kubernetes.io/part-of=knative-pod-orchestration')
      await Promise.all(pods.map(({ metadata }) => node.api.remove('Pod', metadata.name, 'Background')))
      const names = new Set(pods.map(({ metadata }) => metadata.name))
      await eventually('they are gone, and with them the connection through the old gateway', async () => {
        const now = await node.api.pods('app.kubernetes.io/part-of=knative-pod-orchestration')
        return !now.some(({ metadata }) => names.has(metadata.name))
      })
      await eventually('the loop moves again', async () => {
        const answer = await node.send('GET', '/po/healthz').catch(() => undefined)
        return answer?.ok
      })
    },
    true,
  ],
]

describe('while it executes, a user deletes', () => {
  test.each(HANDS)('%s, and it executes on', { timeout: 240_000 }, async (what, act, keepsPod) => {
    const id = randomUUID()
    await node.create(id, images.endless)
    await node.untilStatus(id, 'executing')
    const before = uids(await node.podsOf(id))
    await act(id)
    await timed(`executing again after ${what}`, () =>
      eventually(
        'it is polled again',
        async () => {
          const now = uids(await node.podsOf(id))
          const same = now.length === 1 && now[0] === before[0]
          const there = keepsPod ? same : now.length === 1 && !same
          return (
            there &&
            (await hasSaid(id, keepsPod ? 1 : 2)) &&
            (await answers(id)) &&
            (await node.statusOf(id).catch(() => undefined))?.status === 'executing'
          )
        },
        150_000,
      ),
    )
    expect(await runsOf(id)).toEqual([1])
    expect((await node.told(id)).statuses.map(({ status }) => status)).not.toContain('failed')
    await remove(id)
  })
})

/** Whether this many of its pods have sent their first line through the proxy. */
const hasSaid = async (id: string, pods: number) =>
  (await messages(id)).filter((text) => text === 'working').length >= pods

const isReady = (object: ApiObject | undefined): boolean => {
  const { conditions = [] } = (object?.['status'] ?? {}) as Partial<PodObject['status']>
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True')
}

/** Whether the loop can reach the analysis: through proxy, its policy and the policy of the run. */
async function answers(id: string): Promise<boolean> {
  const proxies = alive(await node.api.pods(`component=flame-analysis-nginx,flame-po/analysis-id=${id}`))
  const policy = await node.api.find('NetworkPolicy', `nginx-to-analysis-${id}-1-policy`)
  return policy !== undefined && proxies.some(isReady)
}
