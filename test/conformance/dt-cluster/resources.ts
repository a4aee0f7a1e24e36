import { expect, test } from 'vitest'
import { analyticsResource } from '../../../shared/dt/objects/index.ts'
import type { Fault } from '../../../shared/platform/fault.ts'
import { SPEC } from '../../shared/dt/objects/input.ts'
import type { DtClusterTarget } from '../dt-cluster.ts'
import { created, newId } from './objects.ts'

const PATH = 'apis/eng.cam.ac.uk/v1alpha1/analytics'
const FINISHED = 'eng.cam.ac.uk/finished'

/** `create`, `resources`, `resource`, `patchStatus`, `patchResource`. */
export function resources(subject: () => DtClusterTarget): void {
  const raw = async (name: string) => (await subject().raw('GET', `${PATH}/${name}`)).body
  const names = async () => (await subject().cluster.resources()).map(({ name }) => name)

  test('create: the resource is there as it was asked for, with the uid that was told', async () => {
    const { cluster } = subject()
    const { id, uid, spec } = await created(cluster, {}, { ward: 'haematology' })
    expect(await cluster.resource(id)).toEqual({
      name: id,
      uid,
      generation: 1,
      labels: { ward: 'haematology' },
      finalizers: [],
      createdAt: expect.any(Date),
      deleting: false,
      // In any order: an API server sorts the fields of such objects.
      spec: expect.objectContaining({ image: spec.image, jobType: 'ondemand', reps: 3, env: spec.env }),
      status: {},
    })
  })

  test.each([
    ['too many runs', { reps: 101 }, 422, /spec\.reps/],
    ['a kind of service that is none', { jobType: 'never' as never }, 422, /spec\.jobType/],
    ['no number of runs', { reps: null }, 422, /oneOf/],
  ])('create: %s is refused in the words of the API', async (_, fields, status, words) => {
    const id = newId()
    const object = analyticsResource(id, { ...SPEC, ...fields }, {})
    const fault = (await subject()
      .cluster.create(object)
      .catch((error: unknown) => error)) as Fault
    expect(fault).toMatchObject({ name: 'Fault', code: 'refused', status })
    expect(String(fault.detail)).toMatch(/^Exception when creating custom resource: \(422\) /)
    expect(String(fault.detail)).toMatch(words)
    expect(await subject().cluster.resource(id)).toBeUndefined()
  })

  test('create: a name that is taken is refused, and who has it keeps it', async () => {
    const { cluster } = subject()
    const { id, uid } = await created(cluster)
    const again = cluster.create(analyticsResource(id, SPEC, {}))
    await expect(again).rejects.toMatchObject({ code: 'refused', status: 409 })
    expect((await cluster.resource(id))?.uid).toBe(uid)
  })

  test('resource: undefined for none', async () => {
    expect(await subject().cluster.resource(newId())).toBeUndefined()
  })

  test('resources: all but those that are labelled as finished, whatever the label says', async () => {
    const { cluster } = subject()
    const [live, done, old] = [
      await created(cluster),
      await created(cluster, {}, { [FINISHED]: 'true' }),
      await created(cluster, {}, { [FINISHED]: '' }),
    ]
    const found = await names()
    expect(found).toContain(live.id)
    for (const { id } of [done, old]) expect(found).not.toContain(id)
    const whole = (await cluster.resources()).find(({ name }) => name === live.id)
    expect(whole).toEqual(await cluster.resource(live.id))
  })

  test('marked: those and no other, with what the label says', async () => {
    const { cluster } = subject()
    const [live, done] = [await created(cluster), await created(cluster, {}, { [FINISHED]: 'true' })]
    const marked = await cluster.marked()
    expect(marked.find(({ name }) => name === done.id)).toEqual({
      name: done.id,
      uid: done.uid,
      generation: 1,
      mark: 'true',
    })
    expect(marked.map(({ name }) => name)).not.toContain(live.id)
  })

  const STATUS = {
    phase: 'Running',
    counts: { requested: 3, active: 1, succeeded: 0, failed: 0 },
    lastError: 'why',
    observedGeneration: 1,
    conditions: [
      {
        type: 'Accepted',
        status: 'True',
        reason: 'Accepted',
        message: '',
        lastTransitionTime: '2026-01-05T08:00:00Z',
        observedGeneration: 1,
      },
    ],
  }

  test('patchStatus: what it names is as it says, a null goes, and the rest stays', async () => {
    const { cluster } = subject()
    const { id } = await created(cluster)
    expect(await cluster.patchStatus(id, STATUS)).toBe(true)
    expect((await cluster.resource(id))?.status).toEqual(STATUS)
    await cluster.patchStatus(id, { phase: 'Failed', lastError: null })
    const { lastError: _, ...others } = STATUS
    expect((await cluster.resource(id))?.status).toEqual({ ...others, phase: 'Failed' })
  })

  test('patchStatus: is no change of what was asked for', async () => {
    const { cluster } = subject()
    const { id } = await created(cluster)
    const before = await cluster.resource(id)
    await cluster.patchStatus(id, STATUS)
    expect(await cluster.resource(id)).toEqual({ ...before, status: STATUS })
    const managers = (await raw(id)).metadata.managedFields?.map(({ manager }) => manager)
    expect(new Set(managers)).toEqual(new Set(['dt-orchestrator']))
  })

  test('patchResource: labels are added, finalizers are those that are said', async () => {
    const { cluster } = subject()
    const { id } = await created(cluster, {}, { ward: 'a' })
    expect(await cluster.patchResource(id, { labels: { [FINISHED]: 'true' } })).toBe(true)
    expect((await cluster.resource(id))?.labels).toEqual({ ward: 'a', [FINISHED]: 'true' })
    await cluster.patchResource(id, { labels: { [FINISHED]: null } })
    expect((await cluster.resource(id))?.labels).toEqual({ ward: 'a' })
    await cluster.patchResource(id, { finalizers: ['example.com/one', 'example.com/two'] })
    await cluster.patchResource(id, { finalizers: ['example.com/two'] })
    expect(await cluster.resource(id)).toMatchObject({ finalizers: ['example.com/two'], labels: { ward: 'a' } })
    await cluster.patchResource(id, { finalizers: [] })
    expect((await cluster.resource(id))?.finalizers).toEqual([])
  })

  test('neither makes a resource where there is none', async () => {
    const { cluster } = subject()
    const id = newId()
    expect(await cluster.patchStatus(id, STATUS)).toBe(false)
    expect(await cluster.patchResource(id, { labels: { a: 'b' } })).toBe(false)
    expect(await cluster.resource(id)).toBeUndefined()
  })
}
