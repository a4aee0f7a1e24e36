/** The loop is away while runs end: outcomes are late, and the same. Jobs live for a second after their outcome is recorded. */
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launch } from '../../../shared/dt/launch.ts'
import type { ServiceId } from '../../../shared/dt/model.ts'
import { parseJobName } from '../../../shared/dt/names.ts'
import { createPolicyCache } from '../../../shared/dt/reconcile/make.ts'
import { sweep } from '../../../shared/dt/reconcile/sweep.ts'
import { status } from '../../../shared/dt/status.ts'
import { eventually, type Fixture, spec, startFixture } from './fixture.ts'

const TTL_SECONDS = 1
let fixture: Fixture
const cache = createPolicyCache()
beforeAll(async () => {
  fixture = await startFixture({}, { cronMinuteMs: 500, service: { ttlSeconds: TTL_SECONDS } })
}, 60_000)
afterAll(() => fixture.stop())

const once = () => sweep(fixture.ports, cache)
const jobs = (id: ServiceId) => fixture.ports.cluster.jobs([id])
const hasEnded = (found: Awaited<ReturnType<typeof jobs>>, count: number) =>
  found.filter(({ ended }) => ended !== null).length >= count

test('a run that ended while the loop was away for longer than Jobs live has succeeded, and so has its fan-in', async () => {
  const fields = { reps: 1, fanIn: { image: 'sim:ok', env: {} } }
  const { id } = await launch(fixture.ports, { spec: spec(fields), labels: {} })
  await once()
  for (const index of [0, 1]) await fixture.say(id, { firing: 0, index, attempt: 0 }, 'complete')
  for (const count of [1, 2]) {
    await eventually(
      () => jobs(id),
      (found) => hasEnded(found, count),
    )
    await delay(TTL_SECONDS * 1000 + 500)
    await once()
  }
  expect(await status(fixture.ports, id)).toMatchObject({ phase: 'succeeded', status: 'ok', reason: null })
  // Recorded, they go.
  await eventually(
    () => jobs(id),
    (found) => found.length === 0,
  )
}, 30_000)

test('firings that came while the loop was away are recorded, more of them than are kept', async () => {
  const schedule = { jobType: 'scheduled', schedule: '* * * * *', reps: 1, historyLimit: 2 } as const
  const { id } = await launch(fixture.ports, { spec: spec(schedule), labels: {} })
  await once()
  const away = await eventually(
    () => jobs(id),
    (found) => hasEnded(found, 8),
    30_000,
  )
  await fixture.api(
    'PATCH',
    `/apis/batch/v1/namespaces/${fixture.ports.cluster.namespace}/cronjobs/${id}`,
    { spec: { suspend: true } },
    'application/merge-patch+json',
  )
  const firings = (
    await eventually(
      () => jobs(id),
      (found) => found.every(({ ended }) => ended !== null),
    )
  )
    .map(({ name }) => parseJobName(name)?.firing ?? -1)
    .toSorted((one, other) => one - other)
  expect(firings.length).toBeGreaterThanOrEqual(away.length)
  for (const firing of firings) await fixture.say(id, { firing, index: 0, attempt: 0 }, 'complete')
  for (let sweeps = 0; sweeps < 3; sweeps += 1) await once()
  const completed = fixture.emitted.filter(({ subject, type }) => subject === id && type.endsWith('.completed'))
  expect(completed.map(({ data }) => [data['firing'], data['reason']])).toEqual(firings.map((firing) => [firing, null]))
  expect((await status(fixture.ports, id)).failed_runs).toBe(0)
  await eventually(
    async () => {
      await once()
      return jobs(id)
    },
    (found) => found.length === 0,
  )
}, 60_000)
