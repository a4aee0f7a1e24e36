import { expect, test } from 'vitest'
import type { ServiceId } from '../../../shared/dt/model.ts'
import {
  HIDDEN,
  inPhase,
  launched,
  leave,
  newId,
  objectId,
  present,
  ref,
  SHOWN,
  type Subject,
  together,
  upload,
} from './subject.ts'

/** `list`, `listed`. */
export function listing(subject: Subject): void {
  const idsFrom = async (skip: number, limit: number): Promise<ServiceId[]> =>
    (await subject.other.list(skip, limit)).map(({ service }) => service.id)

  test('oldest first, page by page, whatever became of each since', async () => {
    const ids: ServiceId[] = []
    for (let nth = 0; nth < 7; nth += 1) {
      ids.push((await launched(subject)).id)
      subject.pass(1)
    }
    await subject.store.move(ids[1] ?? newId(), ['pending'], 'failed')
    expect(await idsFrom(0, 100)).toEqual(ids)
    expect(await idsFrom(0, 3)).toEqual(ids.slice(0, 3))
    expect(await idsFrom(3, 3)).toEqual(ids.slice(3, 6))
    expect(await idsFrom(6, 3)).toEqual(ids.slice(6))
    expect(await idsFrom(7, 3)).toEqual([])
  })

  test('those of one moment are in one order, so that pages neither repeat nor miss one', async () => {
    await together(subject, 20, (store) => launched({ store, now: subject.now }))
    const pages = []
    for (let skip = 0; skip < 20; skip += 3) pages.push(...(await idsFrom(skip, 3)))
    expect(new Set(pages).size).toBe(20)
    expect(pages).toEqual(await idsFrom(0, 100))
  })

  test.each(SHOWN)('one that is %s is shown, as it is', async (phase) => {
    const service = await inPhase(subject, phase)
    const expected = { service, mounts: {}, outputs: {} }
    expect(await subject.store.list(0, 10)).toEqual([expected])
    expect(await subject.store.listed(service.id)).toEqual(expected)
  })

  test.each(HIDDEN)('one that is %s is not, and takes no place in a page', async (phase) => {
    const before = await launched(subject)
    subject.pass(1)
    const hidden = await inPhase(subject, phase)
    subject.pass(1)
    const after = await launched(subject)
    expect(await idsFrom(0, 2)).toEqual([before.id, after.id])
    expect(await idsFrom(1, 2)).toEqual([after.id])
    expect(await subject.store.listed(hidden.id)).toBeUndefined()
  })

  test('each has its own mounts and outputs, and no other', async () => {
    const [file, other] = [await upload(subject, 'one'), await upload(subject, 'two')]
    const gone = objectId(newId())
    const rich = await launched(subject, { mountFiles: { [file]: 'b/one.txt', [other]: 'a.txt', [gone]: 'missing' } })
    subject.pass(1)
    const poor = await launched(subject)
    const outputs = [
      ...(await leave(subject, rich.id, ref(0, 1), 'z', 'y')),
      ...(await leave(subject, rich.id, ref(0, 0), 'y')),
    ]
    const [first, second] = await subject.store.list(0, 10)
    expect(first?.mounts).toEqual({ [file]: 'b/one.txt', [other]: 'a.txt', [gone]: 'missing' })
    expect(Object.entries(first?.outputs ?? {})).toEqual([
      [outputs[0], 'y'],
      [outputs[1], 'z'],
      [outputs[2], 'y'],
    ])
    expect(second).toEqual({ service: poor, mounts: {}, outputs: {} })
    expect(await subject.store.listed(rich.id)).toEqual(first)
  })

  test('an output whose file was deleted is left out; the others keep their order', async () => {
    const { id } = await launched(subject)
    const [a, b, c] = await leave(subject, id, ref(0, 0), 'a', 'b', 'c')
    await subject.catalogue.remove(present(b), subject.now())
    const outputs = (await subject.store.listed(id))?.outputs ?? {}
    expect(Object.keys(outputs)).toEqual([a, c])
  })

  test('a mount is listed when its file was deleted, and by its name when that is not ASCII', async () => {
    const file = await upload(subject, 'one')
    const { id } = await launched(subject, { mountFiles: { [file]: 'Größe/名.txt' } })
    await subject.catalogue.remove(file, subject.now())
    expect((await subject.store.listed(id))?.mounts).toEqual({ [file]: 'Größe/名.txt' })
  })

  test('listed: undefined for one that is not there', async () => {
    expect(await subject.store.listed(newId())).toBeUndefined()
  })
}
