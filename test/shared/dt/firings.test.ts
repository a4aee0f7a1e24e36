/** Firings of a scheduled service over real PostgreSQL and the sandbox's Kubernetes, whose minutes take a second. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch } from '../../../shared/dt/launch.ts'
import type { ServiceId } from '../../../shared/dt/model.ts'
import { createPolicyCache } from '../../../shared/dt/reconcile/make.ts'
import { sweep } from '../../../shared/dt/reconcile/sweep.ts'
import { status } from '../../../shared/dt/status.ts'
import { eventually, type Fixture, spec, startFixture } from './fixture.ts'

let fixture: Fixture
const cache = createPolicyCache()
beforeAll(async () => {
  fixture = await startFixture({}, { cronMinuteMs: 1000 })
}, 60_000)
afterAll(() => fixture.stop())

const once = () => sweep(fixture.ports, cache)
const EACH_MINUTE = { jobType: 'scheduled', schedule: '* * * * *', reps: 1, historyLimit: 2 } as const
const FAN_IN = { fanIn: { image: 'sim:ok', env: {} } }
const told = (id: ServiceId, kind: string) =>
  fixture.emitted.filter(({ subject, type }) => subject === id && type.endsWith(`.${kind}`))

/** Says of each run that its outputs are complete, as soon as it is known, until so many firings were told. */
async function fire(id: ServiceId, firings: number): Promise<void> {
  const said = new Set<string>()
  await eventually(
    async () => {
      for (const run of await fixture.ports.store.runs(id)) {
        if (said.has(run.pod)) continue
        said.add(run.pod)
        await fixture.say(id, run, 'complete')
      }
      await once()
      return told(id, 'completed').length
    },
    (count) => count >= firings,
    60_000,
  )
}

describe('firings', () => {
  test('are told once each, in order; the last ones are kept, whatever Kubernetes still has of the others', async () => {
    const { id } = await launch(fixture.ports, { spec: spec({ ...EACH_MINUTE, ...FAN_IN }), labels: {} })
    await fire(id, 6)
    await fixture.ports.cluster.remove('CronJob', id)
    for (let more = 0; more < 3; more += 1) await once()

    const completed = told(id, 'completed').map(({ data }) => Number(data['firing']))
    expect(completed).toEqual([...new Set(completed)].toSorted((one, other) => one - other))
    expect(told(id, 'completed').map(({ data }) => data['reason'])).toEqual(completed.map(() => null))
    const ids = fixture.emitted.filter(({ subject }) => subject === id).map((event) => event.id)
    expect(ids.toSorted()).toEqual([...new Set(ids)].toSorted())

    const kept = [...new Set((await fixture.ports.store.runs(id)).map(({ firing }) => firing))]
    expect(kept.length).toBeLessThanOrEqual(4)
    expect(kept).toEqual(expect.arrayContaining(completed.slice(-2)))
    expect(kept).not.toContain(completed[0])
    expect((await status(fixture.ports, id)).failed_runs).toBe(0)
    const places = await fixture.ports.store.outputs(id)
    expect(places.every(({ firing }) => kept.includes(firing))).toBe(true)
    // Jobs of fan-ins are in no history of Kubernetes: they go because their firing is recorded.
    await eventually(
      async () => {
        await once()
        return (await fixture.ports.cluster.jobs([id])).filter(({ name }) => name.endsWith('-fan-in'))
      },
      (fanIns) => fanIns.length <= 4,
    )
    await fixture.ports.cluster.removeResource(id)
  }, 90_000)
})
