/** An analysis on a real cluster from end to end, and the parts of its isolation that need a real cluster. */
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Statement } from '../../shared/adapters/statement.ts'
import { STANDING_POLICY_NAME } from '../../shared/po/names.ts'
import type { Envelope } from '../../shared/po/ports/record.ts'
import { routes } from '../../shared/routes/index.ts'
import { type ApiObject, createApi, eventually, KINDS_OF_RUNS } from './api.ts'
import { DATAGRAMS, tableOf } from './sightings.ts'
import { plainPod, STORAGE } from './surroundings.ts'
import { startWorld, timed, type World } from './world.ts'

type Statuses = Record<string, { readonly status: string; readonly progress: number }>
type Logs = { readonly analysis: Record<string, string[]>; readonly nginx: Record<string, string[]> }

/** The analysis under test, and another one. */
const ID = randomUUID()
const NEIGHBOUR = randomUUID()
const PROJECT = randomUUID()
const OWNED = 'flame-po/analysis-id'

/** Any pod without a policy can reach it. */
const OUTSIDE = [
  'API server',
  'API server by its Service',
  'storage service',
  'pod of the storage service',
  'orchestrator',
  'this machine',
] as const
const OPEN = ['its proxy', 'name server'] as const

let world: World
const create = (id: string, image: string) =>
  world.call<Record<string, string>>('POST', '/po/', { ...world.createBody(id, image), project_id: PROJECT })
const statusOf = async (id: string) => (await world.call<Statuses>('GET', `/po/status/${id}`))[id]
const untilStatus = (id: string, word: string) =>
  eventually(`${id} is ${word}`, async () => (await statusOf(id))?.status === word)
const ownedBy = (id: string, kind: string) => world.api.list<ApiObject>(kind, `${OWNED}=${id}`)
const left = async (selector: string): Promise<string[]> => {
  const lists = await Promise.all(
    KINDS_OF_RUNS.map(async (kind) =>
      (await world.api.list(kind, selector)).map(({ metadata }) => [kind, metadata.name]),
    ),
  )
  return lists.flat().map((name) => name.join(' '))
}
const untilGone = (selector: string) =>
  eventually(`nothing is left of ${selector}`, async () => (await left(selector)).length === 0)

/** The targets that a probe reached and must not. */
const leaks = (pods: string) =>
  Object.keys(world.sightings.of(pods).reached).filter((target) => !OPEN.some((open) => open === target))

beforeAll(async () => {
  world = await startWorld([ID, NEIGHBOUR])
})
afterAll(async () => {
  await timed('everything stopped', async () => world?.stop())
})

test('the check of all checks: the same program gets out where no policy selects it', async () => {
  await world.api.create(
    plainPod('anybody', {}, { image: world.images.probe, env: { DEPLOYMENT_NAME: `analysis-${ID}-1` } }),
  )
  await timed('a pod without policy reached all targets', () =>
    eventually('all targets are reached', async () => {
      const { reached } = world.sightings.of('anybody')
      return [...OUTSIDE, DATAGRAMS, 'name server'].every((target) => reached[target])
    }),
  )
  expect([...world.beacon.connections.keys()]).toEqual(['anybody'])
})

test('the check of the grants: a function may do what its row of the route table says, and no more', async () => {
  const pods = createApi(world.kubeconfigOf(routes.po.pods) ?? '', world.api.namespace)
  expect(await pods.list('Pod', '')).not.toEqual([])
  for (const kind of ['Secret', 'Service', 'Deployment', 'NetworkPolicy']) {
    await expect(pods.list(kind, ''), kind).rejects.toThrow('403')
  }
  await pods.close()
  expect(world.kubeconfigOf(routes.po.status)).toBeUndefined()
})

describe('life', () => {
  test('create answers at once, and the first poll that is answered makes it executing', async () => {
    expect(await timed('create', () => create(ID, world.images.probe))).toEqual({ [ID]: 'started' })
    await timed('executing', () => untilStatus(ID, 'executing'))
    const pods = await world.call<Record<string, string[]>>('GET', `/po/pods/${ID}`)
    const names = (pods[ID] ?? []).flatMap((text) => JSON.parse(text) as string[])
    expect(names).toEqual([expect.stringMatching(new RegExp(`^analysis-${ID}-1-`))])
  })

  test('its lines and progress come through the real proxy while it works', async () => {
    await timed('progress 3', () =>
      eventually('progress rises', async () => ((await statusOf(ID))?.progress ?? 0) >= 3),
    )
    const { analysis, nginx } = await world.call<Logs>('GET', `/po/logs/${ID}`)
    expect(analysis[ID]?.join('')).toContain('tried for 2 s')
    expect(nginx[ID]?.join('')).toMatch(/POST \/po\/stream_logs HTTP\/1\.1" 200/)
    const told = world.sandbox.hub.told(ID)
    expect(told.logs.map(({ message }) => message)).toContain('tried for 2 s')
    expect(told.statuses.at(-1)?.status).toBe('executing')
  })

  test('a create right after a stop works while the old pods still end', async () => {
    expect(await timed('stop', () => world.call('PUT', `/po/stop/${ID}`))).toEqual({ [ID]: 'stopped' })
    const ending = await world.api.pods(`${OWNED}=${ID},component=flame-analysis`)
    expect(ending.map(({ metadata }) => metadata.labels?.['flame-po/run'])).toEqual(['1'])
    expect(await timed('create again', () => create(ID, world.images.mean))).toEqual({ [ID]: 'started' })
    expect(await ownedBy(ID, 'Deployment')).toContainEqual(
      expect.objectContaining({ metadata: expect.objectContaining({ name: `analysis-${ID}-2` }) }),
    )
  })

  test('it ends by itself, and its result and logs are kept', async () => {
    await timed('executed and archived', () =>
      eventually('it has left the status list', async () => (await statusOf(ID)) === undefined),
    )
    const { analysis, nginx } = await world.call<Logs>('GET', `/po/history/${ID}`)
    expect(analysis[ID]?.join('')).toContain('the result is stored')
    expect(nginx[ID]?.join('')).toMatch(/PUT \/storage\/final\//)
    const ended = await eventually('the Hub knows', async () => {
      const last = world.sandbox.hub.told(ID).statuses.at(-1)
      return last?.status === 'executed' && last
    })
    expect(ended.progress).toBe(100)
    const stored = await world.api.ask<{ id: string; name: string }[]>(STORAGE.name, STORAGE.port, `/results/${ID}`)
    expect(stored?.map(({ name }) => name)).toEqual(['means.json'])
    const path = `/results/${ID}/${stored?.[0]?.id}`
    const result = await world.api.ask<{ age: { mean: number } }>(STORAGE.name, STORAGE.port, path)
    expect(result?.age.mean).toBeCloseTo(meanAge(), 9)
  })

  test('its record has what the kubelet reported of its image, its policies and its statuses', async () => {
    const { payload } = await world.call<Envelope>('GET', `/po/analyses/${ID}/record`)
    const { predicate } = JSON.parse(Buffer.from(payload, 'base64').toString()) as Statement
    expect(predicate.changed).toEqual([])
    expect(predicate.runs).toEqual([
      expect.objectContaining({ run: 2, imageDigest: expect.stringMatching(/^sha256:/) }),
    ])
    expect(Object.keys(predicate.runs[0]?.policies ?? {})).toHaveLength(3)
    expect(predicate.statuses.map(({ state }) => state)).toEqual(['starting', 'started', 'executing', 'executed'])
    const former = await world.call<Envelope>('GET', `/po/analyses/${ID}/record?run=1`)
    const first = JSON.parse(Buffer.from(former.payload, 'base64').toString()) as Statement
    expect(first.predicate.end).toMatchObject({ run: 1, state: 'stopped' })
  })

  test('nothing of it is left in the cluster or in Keycloak', async () => {
    await timed('all objects gone', () => untilGone(`${OWNED}=${ID}`))
    await timed('client gone', () => eventually('no client', async () => !(await world.hasClient(ID))))
    expect(await world.call('DELETE', `/po/delete/${ID}`)).toEqual({})
  })

  test('in all of it nothing but its proxy and the name server was ever reached', () => {
    const seen = world.sightings.of(`analysis-${ID}-1-`)
    expect(leaks(`analysis-${ID}-1-`)).toEqual([])
    for (const target of OPEN) expect(seen.reached[target], target).toBeGreaterThan(20)
    // Ten attempts a second are at most 100 ms apart, less than it takes to write a policy.
    for (const target of OUTSIDE) expect((seen.tried[target] ?? 0) / seen.seconds, target).toBeGreaterThan(10)
  })
})

describe('isolation', () => {
  const policy = `nginx-to-analysis-${NEIGHBOUR}-1-policy`
  const own = `analysis-${NEIGHBOUR}-1-`
  const reachesProxySince = (from: number) => world.sightings.of(own, from).reached['its proxy'] ?? 0

  test('an analysis reaches no other one', async () => {
    await create(NEIGHBOUR, world.images.probe)
    await untilStatus(NEIGHBOUR, 'executing')
    const third = randomUUID()
    await create(third, world.images.probe)
    await untilStatus(third, 'executing')
    await sleep(2000)
    const { tried } = world.sightings.of(`analysis-${third}-1-`)
    expect(tried[`analysis ${NEIGHBOUR}`]).toBeGreaterThan(20)
    expect(tried[`proxy of ${NEIGHBOUR}`]).toBeGreaterThan(20)
    expect(leaks(`analysis-${third}-1-`)).toEqual([])
    expect(Object.keys(world.sightings.of('anybody').reached)).not.toContain(`analysis ${NEIGHBOUR}`)
    await world.call('DELETE', `/po/delete/${third}`)
  })

  test("deleting the run's policy alone closes the pod, and the sweep opens its way to the proxy again", async () => {
    const before = (await world.api.find('NetworkPolicy', policy))?.metadata.uid
    await world.api.remove('NetworkPolicy', policy, 'Orphan')
    await timed('policy put back', () =>
      eventually('another policy', async () => {
        const now = (await world.api.find('NetworkPolicy', policy))?.metadata.uid
        return now !== undefined && now !== before
      }),
    )
    const from = Date.now()
    await eventually('the proxy is reached again', async () => reachesProxySince(from) > 5)
    expect(leaks(own)).toEqual([])
  })

  test('the standing policy is what holds a pod back that no policy of a run knows, and a create puts it back', async () => {
    const labels = { component: 'flame-analysis', app: 'analysis-of-nobody' }
    await world.api.create(plainPod('nobody', labels, { image: world.images.probe }))
    await eventually('it tries', async () => world.sightings.of('nobody').seconds > 3)
    expect(world.sightings.of('nobody').reached).toEqual({})

    await world.api.remove('NetworkPolicy', STANDING_POLICY_NAME, 'Background')
    await eventually('it gets out', async () => leaks('nobody').length >= OUTSIDE.length)

    const id = randomUUID()
    await create(id, world.images.probe)
    expect(await world.api.find('NetworkPolicy', STANDING_POLICY_NAME)).toBeDefined()
    const from = Date.now() + 1000
    await eventually('it tries again', async () => world.sightings.of('nobody', from).seconds > 2)
    expect(world.sightings.of('nobody', from).reached).toEqual({})
    await world.api.remove('Pod', 'nobody', 'Background')
    await world.call('DELETE', `/po/delete/${id}`)
  })

  test("deleting the run's policy with all it owns opens nothing, and the run comes back", async () => {
    const other = randomUUID()
    await create(other, world.images.probe)
    await untilStatus(other, 'executing')
    const [before] = await ownedBy(other, 'Deployment')
    await world.api.remove('NetworkPolicy', `nginx-to-analysis-${other}-1-policy`, 'Background')
    await timed('run put back', () =>
      eventually('its Deployments are there again', async () => {
        const now = (await ownedBy(other, 'Deployment')).filter(({ metadata }) => !metadata.deletionTimestamp)
        return now.length === 2 && now.every(({ metadata }) => metadata.uid !== before?.metadata.uid)
      }),
    )
    const first = [...world.sightings.byPod.keys()].find((pod) => pod.startsWith(`analysis-${other}-1-`))
    await eventually('its new pod tries, too', async () => world.sightings.of(`analysis-${other}-1-`).pods > 1)
    expect(first).toBeDefined()
    expect(leaks(`analysis-${other}-1-`)).toEqual([])
    await world.call('DELETE', `/po/delete/${other}`)
  })

  /** When the delete is sent; the network delay comes on top. */
  const MOMENTS: Readonly<Record<string, (id: string) => Promise<unknown>>> = {
    '50 ms after the create was answered': async (id) => {
      await create(id, world.images.probe)
      await sleep(50)
    },
    '50 ms after the create was sent': async (id) => {
      const created = create(id, world.images.probe)
      await sleep(50)
      await world.call('DELETE', `/po/delete/${id}`)
      await created
    },
    'as soon as its container runs': async (id) => {
      await create(id, world.images.probe)
      await eventually('its container runs', async () => world.sightings.of(`analysis-${id}-1-`).pods > 0)
    },
  }
  test.each(Object.entries(MOMENTS))('a delete %s opens nothing and leaves nothing', async (_, moment) => {
    const ids = [randomUUID(), randomUUID(), randomUUID()]
    await timed('create and delete, three times', async () => {
      for (const id of ids) {
        await moment(id)
        await world.call('DELETE', `/po/delete/${id}`)
      }
    })
    await timed('all objects gone', () => untilGone(`${OWNED} in (${ids.join(',')})`))
    for (const id of ids) {
      expect(leaks(`analysis-${id}-`)).toEqual([])
      await eventually('no client', async () => !(await world.hasClient(id)))
    }
  })

  test('after a delete of a live one nothing of any analysis is left, and no analysis ever got out', async () => {
    expect(await timed('delete', () => world.call('DELETE', `/po/delete/${NEIGHBOUR}`))).toEqual({ [NEIGHBOUR]: null })
    await timed('all objects gone', () => untilGone(OWNED))
    await eventually('no client', async () => !(await world.hasClient(NEIGHBOUR)))
    expect(await world.call('GET', '/po/status')).toEqual({})
    const [all, anybody] = [world.sightings.of('analysis-'), world.sightings.of('anybody')]
    console.log(tableOf({ [`${all.pods} analyses`]: all, 'no policy': anybody }))
    expect(leaks('analysis-')).toEqual([])
    expect([...world.beacon.connections.keys()].sort()).toEqual(['anybody', 'nobody'])
    expect([...world.beacon.datagrams.keys()].sort()).toEqual(['anybody', 'nobody'])
  })
})

/** Computed by another method than that of the analysis. */
function meanAge(): number {
  const csv = readFileSync(new URL('../sandbox/data/patients.csv', import.meta.url), 'utf8')
  const [head = '', ...rows] = csv.trim().split(/\r?\n/)
  const column = head.split(',').indexOf('age')
  const ages = rows
    .map((row) => row.split(',')[column] ?? '')
    .filter((cell) => cell !== '' && !Number.isNaN(Number(cell)))
  return ages.reduce((sum, age) => sum + Number(age), 0) / ages.length
}
