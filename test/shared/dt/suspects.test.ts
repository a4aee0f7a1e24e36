/** One service whose look fails, or ends the process, again and again: the others go on, and it is tried more and more seldom. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launch } from '../../../shared/dt/launch.ts'
import type { ServiceId } from '../../../shared/dt/model.ts'
import type { DtPorts } from '../../../shared/dt/ports.ts'
import { createPolicyCache } from '../../../shared/dt/reconcile/make.ts'
import { sweep } from '../../../shared/dt/reconcile/sweep.ts'
import { Fault } from '../../../shared/platform/fault.ts'
import { type Fixture, spec, startFixture } from './fixture.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await startFixture()
}, 60_000)
afterAll(() => fixture.stop())

const begin = async (): Promise<ServiceId> =>
  (await launch(fixture.ports, { spec: spec({ image: 'sim:wait', reps: 1 }), labels: {} })).id
const found = async (id: ServiceId) => {
  const service = await fixture.ports.store.find(id)
  if (!service) throw new Error('it is gone')
  return service
}
const phases = async (ids: readonly ServiceId[]) => Promise.all(ids.map(async (id) => (await found(id)).phase))

/** Ports by which making the Job of `id` does what it says. */
const withTrouble = (id: ServiceId, trouble: () => Promise<never>): DtPorts => ({
  ...fixture.ports,
  cluster: {
    ...fixture.ports.cluster,
    apply: (object) =>
      object.kind === 'Job' && object.metadata.name === id ? trouble() : fixture.ports.cluster.apply(object),
  },
})

/** A sweep of a process that is killed, without a word to anybody, when it makes the Job of `id`. */
async function killedSweep(id: ServiceId): Promise<'killed' | 'lived'> {
  const never = new Promise<never>(() => {})
  let isDead = false
  let die = () => {}
  const death = new Promise<'killed'>((resolve) => {
    die = () => {
      isDead = true
      resolve('killed')
    }
  })
  const mortal = <T extends object>(port: T): T =>
    new Proxy(port, {
      get: (target, name) => {
        const call: unknown = Reflect.get(target, name)
        if (typeof call !== 'function') return call
        return (...args: unknown[]) => (isDead ? never : call.apply(target, args))
      },
    })
  const ports = withTrouble(id, () => {
    die()
    return never
  })
  const dying = { ...ports, store: mortal(ports.store), cluster: mortal(ports.cluster) }
  return Promise.race([death, sweep(dying, createPolicyCache()).then(() => 'lived' as const)])
}

test('a look that ends the process each time stops nobody for long', async () => {
  // The one at fault is the oldest: nobody comes before it by age.
  const killer = await begin()
  const others = await Promise.all(Array.from({ length: 6 }, begin))
  expect(await killedSweep(killer)).toBe('killed')
  fixture.advance(61)
  // All that were claimed are suspect now: they come one after the other, until the one at fault.
  let deaths = 1
  for (let round = 0; round < 12 && (await phases(others)).includes('pending'); round += 1) {
    if ((await killedSweep(killer)) === 'killed') deaths += 1
    fixture.advance(61)
  }
  expect(new Set(await phases(others))).toEqual(new Set(['running']))
  expect(deaths).toBeLessThanOrEqual(4)

  // From now on a life goes on as if there were none such.
  for (let round = 0; round < 3; round += 1) {
    const late = await begin()
    await killedSweep(killer)
    expect(await phases([late])).toEqual(['running'])
    expect(await Promise.all(others.map(async (id) => (await found(id)).attempts))).toEqual(others.map(() => 0))
    fixture.advance(61)
  }
  expect((await found(killer)).attempts).toBeGreaterThan(1)

  // And it is seen to as soon as nothing is wrong with it any more, even so.
  fixture.advance(901)
  await sweep(fixture.ports, createPolicyCache())
  expect(await found(killer)).toMatchObject({ phase: 'running', attempts: 0 })
}, 60_000)

test('a look that always throws is begun more and more seldom', async () => {
  const [broken, healthy] = [await begin(), await begin()]
  let tries = 0
  const ports = withTrouble(broken, async () => {
    tries += 1
    throw new TypeError('a fault of ours')
  })
  const cache = createPolicyCache()
  for (let sweeps = 0; sweeps < 60; sweeps += 1) {
    await sweep(ports, cache)
    fixture.advance(10)
  }
  // Ten minutes: at 0, 1, 3 and 7 minutes.
  expect(tries).toBe(4)
  expect(await phases([broken, healthy])).toEqual(['pending', 'running'])
  expect((await found(healthy)).attempts).toBe(0)
}, 60_000)

test('an outage counts against no service', async () => {
  const id = await begin()
  const ports = withTrouble(id, async () => {
    throw new Fault('unavailable', 'Kubernetes is away')
  })
  for (let sweeps = 0; sweeps < 3; sweeps += 1) await sweep(ports, createPolicyCache())
  expect(await found(id)).toMatchObject({ phase: 'pending', attempts: 0 })
  await sweep(fixture.ports, createPolicyCache())
  expect(await phases([id])).toEqual(['running'])
}, 60_000)
