import { expect, test } from 'vitest'
import type { JobType } from '../../../shared/dt/model.ts'
import type { AdoptInput } from '../../../shared/dt/ports/store.ts'
import { resource } from './adopting.ts'
import {
  ALL,
  change,
  inPhase,
  launched,
  leave,
  objectId,
  record,
  ref,
  run,
  SCHEDULED,
  type Subject,
  succeeded,
  upload,
} from './subject.ts'

/** What a new resource keeps of an earlier one with the same name. */
export function inheriting(subject: Subject): void {
  const adopt = (input: AdoptInput, store = subject.store) =>
    store.adopt(input, change(input.id, 'launched', subject.now()))

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
      // A scheduled service keeps its last recorded firing; the next one is later.
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
