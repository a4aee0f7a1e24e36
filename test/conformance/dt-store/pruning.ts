import { expect, test } from 'vitest'
import type { ServiceId } from '../../../shared/dt/model.ts'
import {
  LIMITS,
  launched,
  leave,
  loose,
  newId,
  objectId,
  present,
  record,
  ref,
  run,
  SCHEDULED,
  type Subject,
  succeeded,
  together,
  upload,
} from './subject.ts'

/** `pruneFirings`. */
export function pruning(subject: Subject): void {
  const firingsOf = async (id: ServiceId) => [...new Set((await subject.store.runs(id)).map(({ firing }) => firing))]
  /** Firings 10, 20, … with a run and an output each. */
  const fired = async (count: number) => {
    const { id } = await launched(subject, SCHEDULED)
    const files = []
    for (let nth = 1; nth <= count; nth += 1) {
      files.push(...(await leave(subject, id, ref(nth * 10, 0), `of-${nth}`)))
      await record(subject.store, id, succeeded(ref(nth * 10, 0)), run(ref(nth * 10, 1)))
    }
    return { id, files }
  }

  test.each([
    [1, [40]],
    [3, [20, 30, 40]],
    [4, [10, 20, 30, 40]],
    [99, [10, 20, 30, 40]],
  ])('all but the last %i firings are forgotten', async (keep, left) => {
    const { id } = await fired(4)
    await subject.other.pruneFirings(id, keep)
    expect(await firingsOf(id)).toEqual(left)
    expect((await subject.store.outputs(id)).map(({ firing }) => firing)).toEqual(left)
    expect((await subject.store.manifests([id])).get(id)).toHaveLength(left.length)
  })

  test('their outputs go with their files and bytes; those that are kept stay in their places', async () => {
    const { id, files } = await fired(3)
    const bodies = await Promise.all(files.map(async (file) => present(await subject.catalogue.find(file)).body))
    await subject.store.pruneFirings(id, 1)
    expect(await Promise.all(files.map((file) => subject.catalogue.find(file)))).toEqual([
      undefined,
      undefined,
      expect.objectContaining({ filename: 'of-3' }),
    ])
    expect((await loose(subject)).toSorted()).toEqual(bodies.slice(0, 2).toSorted())
    expect(await subject.runs.output(objectId(id), 0)).toBe('no_output')
    expect(await subject.runs.output(objectId(id), 2)).toMatchObject({ filename: 'of-3' })
    await leave(subject, id, ref(40, 0), 'of-4')
    expect((await subject.store.outputs(id)).map(({ seq }) => seq)).toEqual([2, 3])
  })

  test('what was taken of a run that never said the end of it goes, too', async () => {
    const { id } = await launched(subject, SCHEDULED)
    await record(subject.store, id, run(ref(1, 0)), run(ref(2, 0)))
    const key = { serviceId: objectId(id), ...ref(1, 0) }
    await subject.runs.open(key, subject.now())
    const { body } = await keep(subject, key)
    await subject.store.pruneFirings(id, 1)
    expect(await loose(subject)).toEqual([body])
    expect((await subject.runs.open(key, subject.now()))?.files).toBe(0)
  })

  test('the place of an output that went is not given to another', async () => {
    const { id } = await fired(2)
    await record(subject.store, id, run(ref(30, 0)))
    await subject.store.pruneFirings(id, 1)
    expect(await subject.store.outputs(id)).toEqual([])
    await leave(subject, id, ref(30, 1), 'later')
    expect((await subject.store.outputs(id)).map(({ seq }) => seq)).toEqual([2])
  })

  test('what went counts no more', async () => {
    const { id } = await fired(3)
    const used = async () => (await subject.runs.used({ serviceId: objectId(id), ...ref(30, 0) }, 'none')).service
    expect(await used()).toEqual({ files: 3, bytes: 12 })
    await subject.store.pruneFirings(id, 1)
    expect(await used()).toEqual({ files: 1, bytes: 4 })
  })

  test('a content that somebody else has stays', async () => {
    const { id } = await fired(2)
    const file = await upload(subject, 'of-1')
    await subject.store.pruneFirings(id, 1)
    expect(await loose(subject)).not.toContain((await subject.catalogue.find(file))?.body)
    expect(await subject.catalogue.find(file)).toBeDefined()
  })

  test('nothing of other services goes, and nothing of none', async () => {
    const [one, two] = [await fired(2), await fired(2)]
    await subject.store.pruneFirings(one.id, 1)
    expect(await firingsOf(two.id)).toEqual([10, 20])
    expect(await subject.store.outputs(two.id)).toHaveLength(2)
    await subject.store.pruneFirings(newId(), 1)
  })

  test('twice, or by many at once, is as once', async () => {
    const { id } = await fired(5)
    await together(subject, 10, (store) => store.pruneFirings(id, 2))
    expect(await firingsOf(id)).toEqual([40, 50])
    expect((await subject.store.outputs(id)).map(({ seq }) => seq)).toEqual([3, 4])
  })
}

async function keep(subject: Subject, key: Parameters<Subject['runs']['keep']>[1]) {
  const body = await subject.catalogue.begin(new Date(subject.now().getTime() + 1000))
  const content = { sha256: 'ab'.repeat(32), md5: 'cd'.repeat(16), length: 4 }
  await subject.runs.keep({ body, content }, key, 'part', LIMITS, { at: subject.now(), orphanedAt: subject.now() })
  return { body }
}
