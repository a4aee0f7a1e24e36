/** What a sweep asks for, counted: services that have ended cost one list of metadata, and Jobs wait their turn. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launch } from '../../../shared/dt/launch.ts'
import type { ServiceId } from '../../../shared/dt/model.ts'
import { createPolicyCache } from '../../../shared/dt/reconcile/make.ts'
import { sweep } from '../../../shared/dt/reconcile/sweep.ts'
import { status } from '../../../shared/dt/status.ts'
import { ANALYTICS, eventually, type Fixture, spec, startFixture } from './fixture.ts'

let fixture: Fixture
const cache = createPolicyCache()
const FINISHED = 1000

beforeAll(async () => {
  fixture = await startFixture({ maxRuns: 2 })
}, 60_000)
afterAll(() => fixture.stop())

const begin = (fields: Parameters<typeof spec>[0]) => launch(fixture.ports, { spec: spec(fields), labels: {} })

async function finishedOne(): Promise<void> {
  const name = randomBytes(12).toString('hex')
  const wanted = { image: 'sim:ok', jobType: 'ondemand', reps: 1 }
  const { status: code, body } = await fixture.api('POST', ANALYTICS, {
    apiVersion: 'eng.cam.ac.uk/v1alpha1',
    kind: 'Analytics',
    metadata: { name },
    spec: wanted,
  })
  expect(code).toBe(201)
  const { uid } = (body as unknown as { metadata: { uid: string } }).metadata
  await fixture.ports.cluster.patchResource(name, { labels: { 'eng.cam.ac.uk/finished': uid } })
  await fixture.sql.query(
    (sql) => sql`
      insert into dt.service (id, uid, spec, job_type, phase, created_at, ended_at, succeeded)
      values (${name}, ${uid}, ${JSON.stringify(spec())}::text::json, 'ondemand', 'succeeded', now(), now(), 1)`,
  )
}

/** What one sweep asks of Kubernetes and of the database. */
async function counted() {
  fixture.requests.length = 0
  let queries = 0
  const store = new Proxy(fixture.ports.store, {
    get: (target, name) => {
      queries += 1
      return Reflect.get(target, name)
    },
  })
  await sweep({ ...fixture.ports, store }, cache)
  const reads = fixture.requests.map((request) => request.replace(/\?.*/, '').replace(/[0-9a-f]{24}/g, 'id'))
  return { reads: reads.toSorted(), queries }
}

test('a sweep with 1,000 ended services asks for as much as one without', async () => {
  const { id } = await begin({ image: 'sim:wait', reps: 1 })
  await eventually(
    async () => {
      await sweep(fixture.ports, cache)
      return status(fixture.ports, id)
    },
    ({ active_runs }) => active_runs === 1,
  )
  await eventually(
    async () => {
      const runs = await fixture.ports.store.runs(id)
      await sweep(fixture.ports, cache)
      return runs
    },
    (runs) => runs[0]?.phase === 'running',
  )
  await sweep(fixture.ports, cache)
  const before = await counted()
  for (let at = 0; at < FINISHED; at += 50) await Promise.all(Array.from({ length: 50 }, finishedOne))
  const after = await counted()
  expect(after).toEqual(before)
  expect(before.reads.length).toBeLessThanOrEqual(10)
  await fixture.ports.cluster.removeResource(id)
  await sweep(fixture.ports, cache)
}, 60_000)

test('Jobs wait in order while all runs together are as many as may be', async () => {
  const ids: ServiceId[] = []
  for (const _ of [1, 2, 3]) {
    ids.push((await begin({ image: 'sim:wait', reps: 1 })).id)
    await sweep(fixture.ports, cache)
  }
  const phases = async () => Promise.all(ids.map(async (id) => (await status(fixture.ports, id)).phase))
  await eventually(
    async () => {
      await sweep(fixture.ports, cache)
      return phases()
    },
    (found) => found.join() === 'running,running,queued',
  )
  await fixture.ports.cluster.removeResource(ids[0] ?? '')
  await eventually(
    async () => {
      await sweep(fixture.ports, cache)
      return phases()
    },
    (found) => found[2] === 'running',
  )
}, 60_000)
