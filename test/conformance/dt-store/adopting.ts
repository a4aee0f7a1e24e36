import { expect, test } from 'vitest'
import { type JobType, PHASES, type Phase, type ServiceId, type ServiceSpec } from '../../../shared/dt/model.ts'
import type { AdoptInput } from '../../../shared/dt/ports/store.ts'
import {
  ALL,
  change,
  HIDDEN,
  inPhase,
  kindsOf,
  launched,
  leave,
  newId,
  objectId,
  record,
  ref,
  run,
  SCHEDULED,
  SHOWN,
  type Subject,
  spec,
  succeeded,
  together,
  told,
  upload,
} from './subject.ts'

const CREATED = new Date('2026-01-01T00:00:00Z')
const resource = (id: ServiceId, uid: string, fields: Partial<ServiceSpec> = {}): AdoptInput => ({
  id,
  uid,
  spec: spec(fields),
  labels: { ward: 'b' },
  createdAt: CREATED,
})

/** `adopt`: rows for resources that nobody launched by us. */
export function adopting(subject: Subject): void {
  const adopt = (input: AdoptInput, store = subject.store) =>
    store.adopt(input, change(input.id, 'launched', subject.now()))

  test.each([
    ['ondemand', {}, 0],
    ['scheduled', SCHEDULED, -1],
  ])('a resource without a row gets one, pending, as old as it is: %s', async (_, fields, firing) => {
    const input = resource(newId(), 'uid-1', fields)
    const adopted = await adopt(input)
    expect(adopted).toEqual({
      ...input,
      phase: 'pending',
      reason: null,
      counts: { active: 0, succeeded: 0, failed: 0 },
      url: null,
      firing,
      endedAt: null,
      claimedUntil: null,
      attempts: 0,
    })
    expect(await subject.other.find(input.id)).toEqual(adopted)
    expect(kindsOf(await told(subject.store, subject.now()))).toEqual(['launched'])
  })

  test('one that is known by its uid is not adopted again, and nobody is told', async () => {
    const service = await launched(subject)
    const before = await subject.store.find(service.id)
    expect(await adopt(resource(service.id, service.uid ?? ''))).toBeUndefined()
    expect(await subject.store.find(service.id)).toEqual(before)
    expect(await told(subject.store, subject.now())).toEqual([])
  })

  test.each(HIDDEN)('nothing is adopted while its row is %s', async (phase) => {
    const service = await inPhase(subject, phase)
    expect(await adopt(resource(service.id, 'another-uid'))).toBeUndefined()
    expect(await subject.store.find(service.id)).toEqual(service)
    expect(await told(subject.store, subject.now())).toEqual([])
  })

  test.each(SHOWN)('one of another uid begins anew, though the former one is %s', async (phase: Phase) => {
    const former = await inPhase(subject, phase, { retentionDays: 3 })
    await subject.store.move(former.id, PHASES, phase, {
      reason: 'a reason',
      url: 'http://there',
      counts: { active: 1, succeeded: 2, failed: 3 },
    })
    const input = resource(former.id, 'another-uid', { image: 'other:2', reps: 5 })
    expect(await adopt(input)).toEqual({
      ...input,
      phase: 'pending',
      reason: null,
      counts: { active: 0, succeeded: 0, failed: 0 },
      url: null,
      firing: 1,
      endedAt: null,
      claimedUntil: null,
      attempts: 0,
    })
    expect(kindsOf(await told(subject.store, subject.now()))).toEqual(['launched'])
  })

  test('of 20 that adopt one resource one does', async () => {
    const fresh = resource(newId(), 'uid')
    const former = await inPhase(subject, 'failed')
    for (const input of [fresh, resource(former.id, 'another-uid')]) {
      const results = await together(subject, 20, (store) => adopt(input, store))
      expect(results.filter((result) => result !== undefined)).toHaveLength(1)
      expect(kindsOf(await told(subject.store, subject.now()))).toEqual(['launched'])
    }
    expect((await subject.store.find(former.id))?.firing).toBe(1)
  })

  test('runs and outputs of the former one are kept, and count no more', async () => {
    const { id } = await inPhase(subject, 'running')
    await leave(subject, id, ref(0, 0), 'former.json')
    await record(subject.store, id, succeeded(ref(0, 0)), run(ref(0, 1)))
    await adopt(resource(id, 'another-uid'))
    expect(await subject.store.runs(id)).toHaveLength(2)
    expect(await subject.store.runsOf([id])).toEqual(new Map())
    expect(await subject.store.manifests([id])).toEqual(new Map())
    expect(await subject.store.outputs(id)).toHaveLength(1)
  })

  test('of a scheduled one, those that were not over yet count no more either', async () => {
    const { id } = await launched(subject, SCHEDULED)
    await record(subject.store, id, succeeded(ref(100, 0)), run(ref(101, 0)))
    await leave(subject, id, ref(101, 0), 'former.json')
    await subject.store.move(id, ['pending'], 'terminated', { firing: 100 })
    expect(await adopt(resource(id, 'another-uid', SCHEDULED))).toMatchObject({ firing: 101 })
    expect(await subject.store.runsOf([id])).toEqual(new Map())
    expect(await subject.store.manifests([id])).toEqual(new Map())
    await record(subject.store, id, run(ref(102, 0)))
    expect((await subject.store.runsOf([id])).get(id)?.map(({ firing }) => firing)).toEqual([102])
    expect((await subject.store.runs(id)).map(({ firing }) => firing)).toEqual([100, 101, 102])
  })

  const MINUTE = 29_600_000
  test.each<[JobType, number, JobType, number]>([
    ['ondemand', 4, 'ondemand', 5],
    ['ondemand', 4, 'scheduled', 4],
    ['scheduled', MINUTE, 'scheduled', MINUTE],
    ['scheduled', MINUTE, 'ondemand', MINUTE + 1],
    ['scheduled', -1, 'ondemand', 0],
  ])(
    'no firing has the number of a former one: %s at %i, then %s, goes on from %i',
    async (was, firing, is, expected) => {
      const { id } = await launched(subject, was === 'scheduled' ? SCHEDULED : {})
      await subject.store.move(id, ['pending'], 'terminated', { firing })
      await adopt(resource(id, 'another-uid', is === 'scheduled' ? SCHEDULED : {}))
      // That of a scheduled service is the last one it was told of: the next one comes after it.
      expect(await subject.store.find(id)).toMatchObject({ firing: expected })
    },
  )

  test.each([
    ['null keeps those of the id', null, { 'in.txt': 5 }],
    ['none takes them away', {}, {}],
  ])('mounts: %s', async (_, mountFiles, expected) => {
    const file = await upload(subject, 'first')
    const { id } = await inPhase(subject, 'terminated', { mountFiles: { [file]: 'in.txt' } })
    await adopt(resource(id, 'another-uid', { mountFiles }))
    const inputs = await subject.runs.inputs(objectId(id), null, ALL, subject.now())
    expect(Object.fromEntries(inputs?.map(({ name, content }) => [name, content?.length]) ?? [])).toEqual(expected)
  })

  test('mounts: others take the place of those that were there, with the content of now', async () => {
    const [one, two] = [await upload(subject, 'first'), await upload(subject, 'the second')]
    const { id } = await inPhase(subject, 'terminated', { mountFiles: { [one]: 'in.txt' } })
    await adopt(resource(id, 'another-uid', { mountFiles: { [two]: 'in.txt', [one]: 'old.txt' } }))
    expect((await subject.store.listed(id))?.mounts).toEqual({ [two]: 'in.txt', [one]: 'old.txt' })
    expect(await subject.runs.inputs(objectId(id), null, ALL, subject.now())).toMatchObject([
      { name: 'in.txt', fileId: two, content: { length: 10 } },
      { name: 'old.txt', fileId: one, content: { length: 5 } },
    ])
  })
}
