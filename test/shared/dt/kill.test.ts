/**
 * kill -9 between any two calls of a launch, a sweep and a terminate: the process dies after call i, its leases run out, others
 * sweep, and the world has converged: each service that was wanted has run once, and nothing is left of one that was not.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch } from '../../../shared/dt/launch.ts'
import type { ServiceId } from '../../../shared/dt/model.ts'
import type { DtPorts } from '../../../shared/dt/ports.ts'
import { createPolicyCache } from '../../../shared/dt/reconcile/make.ts'
import { sweep } from '../../../shared/dt/reconcile/sweep.ts'
import { terminate } from '../../../shared/dt/terminate.ts'
import { ANALYTICS, eventually, type Fixture, spec, startFixture } from './fixture.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await startFixture({}, { service: { retries: 0 } })
}, 60_000)
afterAll(() => fixture.stop())

type Mortal = Pick<DtPorts, 'store' | 'cluster'>
interface Death {
  readonly died: boolean
  readonly calls: readonly string[]
}

type Call = (...args: unknown[]) => Promise<unknown>
const never = new Promise<never>(() => {})

/** A process: the calls it makes, and its end after the one with this number. That one takes effect, and nobody hears of it. */
function createLife(last: number | undefined) {
  const calls: string[] = []
  let isDead = false
  let die = () => {}
  const death = new Promise<true>((resolve) => {
    die = () => resolve(true)
  })
  async function dyingCall(call: () => Promise<unknown>): Promise<never> {
    isDead = true
    await call().catch(() => {})
    die()
    return never
  }
  async function through(name: string, call: () => Promise<unknown>): Promise<unknown> {
    if (isDead) return never
    calls.push(name)
    if (calls.length - 1 === last) return dyingCall(call)
    const result = await call()
    return isDead ? never : result
  }
  const port = <K extends keyof Mortal>(name: K): Mortal[K] =>
    new Proxy(fixture.ports[name], {
      get: (target, key) => {
        const call: unknown = Reflect.get(target, key)
        if (typeof call !== 'function') return call
        return (...args: unknown[]) => through(`${name}.${String(key)}`, () => (call as Call).apply(target, args))
      },
    }) as Mortal[K]
  return { calls, death, port }
}

/** Runs `act` in a process that dies after call `at`; undefined: it lives. */
async function killed(at: number | undefined, act: (ports: DtPorts) => Promise<unknown>): Promise<Death> {
  const { calls, death, port } = createLife(at)
  const lived = act({ ...fixture.ports, store: port('store'), cluster: port('cluster') }).then(() => false)
  return { died: await Promise.race([death, lived]), calls }
}

const once = () => sweep(fixture.ports, createPolicyCache())
const rowOf = (id: ServiceId) => fixture.ports.store.find(id)
const resourceStatus = async (id: ServiceId) => (await fixture.api('GET', `${ANALYTICS}/${id}`)).status
const begun = async (): Promise<ServiceId> => (await launch(fixture.ports, { spec: spec({ reps: 1 }), labels: {} })).id

/** Sweeps of others, after every lease of the dead. */
async function settled(fits: () => Promise<boolean>): Promise<void> {
  await eventually(
    async () => {
      fixture.advance(61)
      await once()
      return fits()
    },
    (isSo) => isSo,
    20_000,
  )
}

/** It ran once, its outcome is the one that it had, and each thing was reported once. */
async function ranOnce(id: ServiceId): Promise<void> {
  await settled(async () => (await rowOf(id))?.phase === 'succeeded')
  await once()
  const service = await rowOf(id)
  expect(service).toMatchObject({ counts: { active: 0, succeeded: 1, failed: 0 }, firing: 0, attempts: 0 })
  expect((await fixture.ports.store.runs(id)).map(({ index, attempt }) => [index, attempt])).toEqual([[0, 0]])
  const resource = await fixture.ports.cluster.resource(id)
  expect(resource?.labels['eng.cam.ac.uk/finished']).toBe(resource?.uid)
  expect((await fixture.ports.cluster.jobs([id])).map(({ ttlSeconds }) => ttlSeconds)).toEqual([3600])
  const told = fixture.emitted.filter(({ subject }) => subject === id).map((event) => event.id)
  for (const kind of ['launched', 'completed']) expect(new Set(told.filter((one) => one.endsWith(kind))).size).toBe(1)
}

/** Kills at each call that the action makes when it lives, each time on a world of its own. */
async function atEachCall(
  prepare: () => Promise<ServiceId | undefined>,
  act: (ports: DtPorts, id: ServiceId | undefined) => Promise<unknown>,
  after: (id: ServiceId | undefined, calls: readonly string[]) => Promise<void>,
): Promise<number> {
  for (let at = 0; ; at += 1) {
    const id = await prepare()
    const { died, calls } = await killed(at, (ports) => act(ports, id))
    await after(id, calls)
    if (!died) return at
  }
}

describe('killed between any two calls', () => {
  test('a launch leaves a service that runs, or nothing', async () => {
    let wanted: ServiceId | undefined
    const points = await atEachCall(
      async () => {
        wanted = undefined
        return undefined
      },
      (ports) => {
        const id = fixture.ports.newId()
        wanted = id
        return launch({ ...ports, newId: () => id }, { spec: spec({ reps: 1 }), labels: {} })
      },
      async () => {
        const id = wanted as ServiceId
        await fixture.say(id, { firing: 0, index: 0, attempt: 0 }, 'complete')
        fixture.advance(61)
        await once()
        if ((await rowOf(id)) === undefined) expect(await resourceStatus(id)).toBe(404)
        else await ranOnce(id)
      },
    )
    expect(points).toBeGreaterThanOrEqual(3)
  }, 120_000)

  test('sweeps from the launch to the end lose nothing and do nothing twice', async () => {
    // Each service is swept to its end by processes that all die at the same call of theirs.
    let points = 0
    for (let at = 0; at < 40; at += 1) {
      const id = await begun()
      await fixture.say(id, { firing: 0, index: 0, attempt: 0 }, 'complete')
      let died = false
      for (let process = 0; process < 3; process += 1) {
        const death = await killed(at, (ports) => sweep(ports, createPolicyCache()))
        died ||= death.died
        fixture.advance(61)
      }
      await ranOnce(id)
      if (!died) break
      points += 1
    }
    expect(points).toBeGreaterThan(15)
  }, 240_000)

  test('a terminate, repeated by nobody, leaves a service that is whole, or nothing', async () => {
    const points = await atEachCall(
      async () => {
        const id = await begun()
        await once()
        return id
      },
      async (ports, id) => id && terminate(ports, id),
      async (id) => {
        if (!id) throw new Error('nothing was launched')
        if ((await rowOf(id))?.phase === 'running' && (await resourceStatus(id)) === 200) return
        await settled(async () => {
          const row = await rowOf(id)
          return (await resourceStatus(id)) === 404 && (row === undefined || row.phase === 'terminated')
        })
        expect(await fixture.ports.cluster.jobs([id])).toEqual([])
      },
    )
    expect(points).toBeGreaterThanOrEqual(3)
  }, 120_000)
})
