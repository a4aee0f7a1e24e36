/** Resources that bring a label of ours with them: copies, backups, and refused ones that were corrected. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createPolicyCache } from '../../../shared/dt/reconcile/make.ts'
import { sweep } from '../../../shared/dt/reconcile/sweep.ts'
import { status } from '../../../shared/dt/status.ts'
import { ANALYTICS, eventually, type Fixture, startFixture } from './fixture.ts'

let fixture: Fixture
const cache = createPolicyCache()
const FINISHED = 'eng.cam.ac.uk/finished'
beforeAll(async () => {
  fixture = await startFixture()
}, 60_000)
afterAll(() => fixture.stop())

interface Analytics {
  readonly metadata: { readonly name: string; readonly uid: string; readonly labels?: Readonly<Record<string, string>> }
  readonly spec: Readonly<Record<string, unknown>>
  readonly status?: { readonly phase?: string; readonly lastError?: string }
}

const once = () => sweep(fixture.ports, cache)
const read = async (name: string) => (await fixture.api('GET', `${ANALYTICS}/${name}`)).body as unknown as Analytics
const phaseOf = async (name: string) => (await fixture.ports.store.find(name as never))?.phase
const markOf = async (name: string) => (await read(name)).metadata.labels?.[FINISHED]

async function create(name: string, fields: object = {}, labels: object = {}): Promise<void> {
  const made = await fixture.api('POST', ANALYTICS, {
    apiVersion: 'eng.cam.ac.uk/v1alpha1',
    kind: 'Analytics',
    metadata: { name, labels },
    spec: { image: 'sim:ok', jobType: 'ondemand', reps: 1, ...fields },
  })
  expect(made.status).toBe(201)
}

async function finishedOne(): Promise<Analytics> {
  const name = fixture.ports.newId()
  await create(name, {}, { ward: 'b' })
  await fixture.say(name, { firing: 0, index: 0, attempt: 0 }, 'complete')
  await eventually(
    async () => {
      await once()
      return phaseOf(name)
    },
    (phase) => phase === 'succeeded',
  )
  const resource = await read(name)
  expect(resource.metadata.labels?.[FINISHED]).toBe(resource.metadata.uid)
  return resource
}

async function deleted(name: string): Promise<void> {
  await fixture.api('DELETE', `${ANALYTICS}/${name}`)
  await eventually(
    () => fixture.api('GET', `${ANALYTICS}/${name}`),
    ({ status: code }) => code === 404,
  )
}

test('a copy of a finished resource under another name runs, and is told of', async () => {
  const { spec, metadata } = await finishedOne()
  const copy = fixture.ports.newId()
  await create(copy, { ...spec, image: 'sim:wait' }, metadata.labels)
  await once()
  expect(await status(fixture.ports, copy)).toMatchObject({ phase: 'running' })
  expect((await read(copy)).status?.phase).toBe('Running')
  // Its label would be read again at each sweep.
  expect((await read(copy)).metadata.labels).toEqual({ ward: 'b' })
  expect(await markOf(metadata.name)).toBe(metadata.uid)
}, 30_000)

test('a copy with the label of a version before ours runs as well', async () => {
  const name = fixture.ports.newId()
  await create(name, { image: 'sim:wait' }, { [FINISHED]: 'true' })
  await once()
  expect(await phaseOf(name)).toBe('running')
})

test('a finished resource that is restored says again how it ended, and does not run a second time', async () => {
  const { metadata, spec } = await finishedOne()
  await deleted(metadata.name)
  await create(metadata.name, spec, metadata.labels)
  expect((await read(metadata.name)).status).toBeUndefined()
  await once()
  const restored = await read(metadata.name)
  expect(restored.status?.phase).toBe('Succeeded')
  expect(restored.metadata.labels?.[FINISHED]).toBe(restored.metadata.uid)
  expect(await fixture.ports.store.find(metadata.name as never)).toMatchObject({
    phase: 'succeeded',
    uid: restored.metadata.uid,
    firing: 0,
  })
  expect(await fixture.ports.cluster.jobs([metadata.name as never])).toEqual([])
}, 30_000)

test.each([
  ['asks for something else', (labels: object) => [{ image: 'sim:wait' }, labels] as const],
  ['has no such label', () => [{}, {}] as const],
])(
  'one of its name that %s runs',
  async (_, change) => {
    const { metadata, spec } = await finishedOne()
    await deleted(metadata.name)
    const [fields, labels] = change(metadata.labels ?? {})
    await create(metadata.name, { ...spec, ...fields }, labels)
    await once()
    expect(await fixture.ports.store.find(metadata.name as never)).toMatchObject({ firing: 1 })
    expect(['pending', 'running']).toContain(await phaseOf(metadata.name))
  },
  30_000,
)

test('a resource that was refused and then corrected is acted on', async () => {
  const name = fixture.ports.newId()
  await create(name, { image: 'Not/An/Image' })
  await once()
  expect(await read(name)).toMatchObject({ status: { phase: 'Failed' } })
  const refused = fixture.logged.filter(({ event }) => event === 'resource not accepted').length
  await once()
  expect(fixture.logged.filter(({ event }) => event === 'resource not accepted')).toHaveLength(refused)

  await fixture.api('PATCH', `${ANALYTICS}/${name}`, { spec: { image: 'Nor/This' } }, 'application/merge-patch+json')
  await once()
  expect(fixture.logged.filter(({ event }) => event === 'resource not accepted')).toHaveLength(refused + 1)

  await fixture.api('PATCH', `${ANALYTICS}/${name}`, { spec: { image: 'sim:wait' } }, 'application/merge-patch+json')
  await once()
  expect(await phaseOf(name)).toBe('running')
  expect(await read(name)).toMatchObject({ status: { phase: 'Running' } })
  expect((await read(name)).status?.lastError).toBeUndefined()
})

test('a live service whose resource comes again and is refused is terminated', async () => {
  const name = fixture.ports.newId()
  await create(name, { image: 'sim:wait' })
  await once()
  await deleted(name)
  await create(name, { image: 'Not/An/Image' })
  await once()
  expect(await phaseOf(name)).toBe('terminated')
  expect(await read(name)).toMatchObject({ status: { phase: 'Failed' } })
}, 30_000)

test('those that a version before ours labelled get the label of this one, a hundred at a time', async () => {
  const names = Array.from({ length: 120 }, () => fixture.ports.newId())
  await Promise.all(
    names.map(async (name) => {
      await create(name, {}, { [FINISHED]: 'true' })
      const { uid } = (await read(name)).metadata
      const spec = JSON.stringify({ image: 'sim:ok', jobType: 'ondemand', reps: 1, description: '', env: {} })
      await fixture.sql.query(
        (sql) => sql`
          insert into dt.service (id, uid, spec, job_type, phase, created_at, ended_at)
          values (${name}, ${uid}, ${spec}::text::json, 'ondemand', 'succeeded', now(), now())`,
      )
    }),
  )
  const old = async () => (await fixture.ports.cluster.marked()).filter(({ mark }) => mark === 'true').length
  await once()
  expect(await old()).toBe(20)
  await once()
  expect(await old()).toBe(0)
  expect(await fixture.ports.cluster.jobs(names)).toEqual([])
}, 60_000)
