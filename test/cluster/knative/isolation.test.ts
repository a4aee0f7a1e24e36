/**
 * Fifty analyses, eight at a time: each pod tries to escape from its first instruction until it is killed. They end by stop, by
 * delete at any moment, and with their policies deleted by hand. They reach only proxy and DNS.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { STANDING_POLICY_NAME } from '../../../shared/po/names.ts'
import { eventually } from '../api.ts'
import { type Beacon, startBeacon } from '../beacon.ts'
import { loadPrograms } from '../images.ts'
import { DATAGRAMS, readAlong, type Sightings, tableOf } from '../sightings.ts'
import { plainPod } from '../surroundings.ts'
import { targetsOf, timed } from '../world.ts'
import { type Node, OWNED, openNode } from './node.ts'

const LIVES = 50
const AT_ONCE = 8
/** Minimum attempts per target and second: a pause of 50 ms allows twenty, a busy machine makes fewer. */
const LEAST_TRIES = 10

const NEIGHBOUR = randomUUID()
const OPEN = ['its proxy', 'name server']
/** Targets that only a policy of an analysis or its proxy blocks. */
const CLOSED = [`analysis ${NEIGHBOUR}`, `proxy of ${NEIGHBOUR}`]

let node: Node
let beacon: Beacon
let sightings: Sightings
let probe: string

beforeAll(async () => {
  node = openNode()
  beacon = await startBeacon(node.environment.hostAddress)
  const targets = {
    ...(await targetsOf(node.api, node.environment, beacon, [NEIGHBOUR])),
    'another function': { host: 'po-create', port: 80 },
  }
  const images = await loadPrograms(node.environment, { probe: { entry: 'test/cluster/pods/probe.ts' } }, targets)
  probe = images.probe
  sightings = readAlong(node.api, probe, beacon.datagrams)
})
afterAll(async () => {
  await sightings?.stop()
  await beacon?.stop()
  await node?.close()
})

const remove = (id: string) => node.call('DELETE', `/po/delete/${id}`)
const leaks = (pods: string) => Object.keys(sightings.of(pods).reached).filter((target) => !OPEN.includes(target))
const policyOf = (id: string) => `nginx-to-analysis-${id}-1-policy`
const runs = (id: string) => eventually('its container runs', async () => sightings.of(`analysis-${id}-1-`).pods > 0)

const hasPolicy = async (id: string) => (await node.api.list('NetworkPolicy', `${OWNED}=${id}`)).length > 0
const isDenied = async () => (await node.api.find('NetworkPolicy', STANDING_POLICY_NAME)) !== undefined

/**
 * The garbage collector deletes a policy before a pod that it has not observed yet: one created at the moment of the deletion.
 * It finds such a pod later, on a busy node by many seconds. Until then only the standing policy applies, which denies all.
 */
const COLLECTION_MS = 30_000

/** Pods that had no policy at all, or none of their analysis for longer than garbage collection takes. */
async function watchOver(id: string, until: Promise<unknown>): Promise<readonly string[]> {
  const bareSince = new Map<string, number>()
  const bare = new Set<string>()
  const judge = async (pods: readonly string[]) => {
    const patience = (await isDenied()) ? COLLECTION_MS : 0
    for (const pod of pods) {
      const since = bareSince.get(pod) ?? Date.now()
      bareSince.set(pod, since)
      if (Date.now() - since >= patience) bare.add(pod)
    }
  }
  let ended = false
  const end = until.finally(() => {
    ended = true
  })
  while (!ended) {
    const has = await hasPolicy(id)
    const names = (await node.podsOf(id)).map(({ metadata }) => metadata.name)
    if (has) bareSince.clear()
    else await judge(names)
    await sleep(25)
  }
  await end
  return [...bare]
}

test('the check of all checks: the same program gets everywhere where no policy selects it', async () => {
  await node.create(NEIGHBOUR, probe)
  await node.untilStatus(NEIGHBOUR, 'executing')
  await node.api.create(plainPod('anybody', {}, { image: probe, env: { DEPLOYMENT_NAME: `analysis-${NEIGHBOUR}-1` } }))
  const targets = await eventually('everything is tried', async () => {
    const { tried, seconds } = sightings.of('anybody')
    return seconds > 5 && Object.keys(tried)
  })
  const { reached } = sightings.of('anybody')
  const expected = targets.filter((target) => !CLOSED.includes(target) && target !== 'its proxy')
  await eventually('all of it is reached', async () => {
    const now = sightings.of('anybody').reached
    return expected.every((target) => now[target])
  })
  expect(Object.keys(reached)).not.toContain('its proxy')
})

test('a pod that is no proxy of the analysis does not get to its API', async () => {
  const pod = plainPod('somebody', {}, { image: probe })
  await node.api.create(pod)
  const { tried, reached } = await eventually('it tries', async () => {
    const seen = sightings.of('somebody')
    return seen.seconds > 3 && seen
  })
  for (const target of CLOSED) {
    expect(tried[target], target).toBeGreaterThan(20)
    expect(reached[target], target).toBeUndefined()
  }
  await node.api.remove('Pod', 'somebody', 'Background')
})

/** The scenario of an analysis, by its number. */
const LIFE: readonly (readonly [how: string, live: (id: string) => Promise<unknown>])[] = [
  [
    'stopped while executing',
    async (id) => {
      await node.create(id, probe)
      await node.untilStatus(id, 'executing')
      await sleep(2000)
      await node.call('PUT', `/po/stop/${id}`)
      await node.untilGone(id)
      await remove(id)
    },
  ],
  [
    'deleted 50 ms after its create was answered',
    async (id) => {
      await node.create(id, probe)
      await sleep(50)
      await remove(id)
    },
  ],
  [
    'deleted 50 ms after its create was sent',
    async (id) => {
      const created = node.create(id, probe).catch(() => {})
      await sleep(50)
      await remove(id)
      await created
      await remove(id)
    },
  ],
  [
    'deleted as soon as its container ran',
    async (id) => {
      await node.create(id, probe)
      await runs(id)
      await remove(id)
    },
  ],
  [
    'its policy deleted by hand, alone',
    async (id) => {
      await node.create(id, probe)
      await runs(id)
      const before = (await node.api.find('NetworkPolicy', policyOf(id)))?.metadata.uid
      await node.api.remove('NetworkPolicy', policyOf(id), 'Orphan')
      await eventually('it is put back', async () => {
        const now = (await node.api.find('NetworkPolicy', policyOf(id)))?.metadata.uid
        return now !== undefined && now !== before
      })
      await sleep(1000)
      await remove(id)
    },
  ],
  [
    'its policy deleted by hand, with all it owns',
    async (id) => {
      await node.create(id, probe)
      await runs(id)
      await node.api.remove('NetworkPolicy', policyOf(id), 'Background')
      await eventually('its pod is another one', async () => sightings.of(`analysis-${id}-1-`).pods > 1)
      await remove(id)
    },
  ],
]

describe(`${LIVES} lives, ${AT_ONCE} at a time`, () => {
  const lives = Array.from({ length: LIVES }, (_, number) => ({ id: randomUUID(), number }))
  const bare = new Map<string, readonly string[]>()

  test('end as they should', { timeout: 900_000 }, async () => {
    const left = [...lives]
    const worker = async () => {
      for (let life = left.shift(); life; life = left.shift()) {
        const { id, number } = life
        const [how = '', live] = LIFE[number % LIFE.length] ?? []
        const whole = live?.(id).catch((error: unknown) => {
          throw new Error(`life ${number}, ${how}: ${error}`)
        })
        const gone = (whole ?? Promise.resolve()).then(() => node.untilGone(id, 90_000))
        // The scenario deletes the policies of the run; the standing policy still applies.
        if (how.includes('by hand')) await gone
        else bare.set(id, await watchOver(id, gone))
      }
    }
    await timed(`${LIVES} lives`, () => Promise.all(Array.from({ length: AT_ONCE }, worker)))
  })

  test('never reached anything but proxy and name server, tried twenty times a second', () => {
    const all = sightings.of('analysis-')
    console.log(tableOf({ [`${all.pods} pods`]: all, 'no policy': sightings.of('anybody') }))
    expect(all.pods).toBeGreaterThan(LIVES / 2)
    expect(leaks('analysis-')).toEqual([])
    for (const [target, tries] of Object.entries(all.tried)) {
      if (!OPEN.includes(target) && target !== DATAGRAMS) {
        expect(tries / all.seconds, target).toBeGreaterThan(LEAST_TRIES)
      }
    }
    expect([...beacon.connections.keys()].sort()).toEqual(['anybody', 'somebody'])
    expect([...beacon.datagrams.keys()].sort()).toEqual(['anybody', 'somebody'])
  })

  test('had a policy as long as they had a pod', () => {
    expect([...bare.values()].flat()).toEqual([])
    expect(bare.size).toBeGreaterThan(LIVES / 2)
  })

  test('leave nothing', async () => {
    await remove(NEIGHBOUR)
    await node.untilGone(NEIGHBOUR)
    await node.api.remove('Pod', 'anybody', 'Background')
    const ids = [NEIGHBOUR, ...lives.map(({ id }) => id)]
    for (const id of ids) expect(await node.left(`${OWNED}=${id}`)).toEqual([])
    // The next sweep completes a delete that coincided with the end of a stop.
    await eventually('none is listed', async () => {
      const listed = Object.keys(await node.call<object>('GET', '/po/status'))
      return !listed.some((id) => ids.includes(id as typeof NEIGHBOUR))
    })
  })
})
