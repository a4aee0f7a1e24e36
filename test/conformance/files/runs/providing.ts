import { expect, test } from 'vitest'
import type { ServiceId } from '../../../../shared/dt/model.ts'
import type { ObjectId } from '../../../../shared/files/model.ts'
import type { ContentScope } from '../../../../shared/files/ports.ts'
import {
  ALL,
  bringing,
  launched,
  leave,
  loose,
  newId,
  objectId,
  present,
  received,
  ref,
  SCHEDULED,
  type Subject,
  upload,
} from '../../dt-store/subject.ts'

/** `inputs`. */
export function providing(subject: Subject): void {
  const inputs = (id: ServiceId, firing: number | null = null) =>
    subject.otherRuns.inputs(objectId(id), firing, ALL, subject.now())

  /** Name → length; undefined for a missing file. */
  const found = async (id: ServiceId, firing: number | null = null) =>
    Object.fromEntries(((await inputs(id, firing)) ?? []).map(({ name, content }) => [name, content?.length]))

  const replace = async (file: ObjectId, word: string) =>
    subject.catalogue.replace(await received(subject, word), file, { at: subject.now(), orphanedAt: subject.now() })

  test('inputs: the mounts by name, each with its content; what never was is said', async () => {
    const [one, two, none] = [await upload(subject, 'one'), await upload(subject, 'the second'), objectId(newId())]
    const { id } = await launched(subject, { mountFiles: { [two]: 'b/two', [one]: 'ä.txt', [none]: 'a' } })
    const { sha256 } = present(await subject.catalogue.find(two))
    const list = present(await inputs(id))
    expect(list.map(({ name }) => name)).toEqual(['a', 'b/two', 'ä.txt'])
    expect(list.slice(0, 2)).toEqual([
      { name: 'a', fileId: none, content: undefined },
      { name: 'b/two', fileId: two, content: { sha256, length: 10 } },
    ])
    expect(await inputs((await launched(subject)).id)).toEqual([])
  })

  test('inputs: those of an on-demand service are as they were at its launch', async () => {
    const file = await upload(subject, 'first')
    const { id } = await launched(subject, { mountFiles: { [file]: 'in' } })
    await replace(file, 'another one')
    expect(await found(id)).toEqual({ in: 5 })
    await subject.catalogue.remove(file, subject.now())
    expect(await found(id)).toEqual({ in: 5 })
    expect(await loose(subject)).not.toContain(present(await findContent(id, 'first')).body)
  })

  test('inputs: those of a scheduled service follow their file, for as long as there is one', async () => {
    const file = await upload(subject, 'first')
    const { body } = present(await subject.catalogue.find(file))
    const { id } = await launched(subject, { ...SCHEDULED, mountFiles: { [file]: 'in' } })
    await replace(file, 'another one')
    expect(await loose(subject)).not.toContain(body)
    expect(await found(id)).toEqual({ in: 11 })
    // The former content has no reference.
    expect(await loose(subject)).toEqual([body])
    await subject.catalogue.remove(file, subject.now())
    expect(await found(id)).toEqual({ in: 11 })
  })

  test.each([{}, SCHEDULED])(
    'inputs: a file that comes after the launch is found when it is there: %j',
    async (fields) => {
      const file = objectId(newId())
      const { id } = await launched(subject, { ...fields, mountFiles: { [file]: 'in' } })
      expect(await found(id)).toEqual({ in: undefined })
      const imported = { id: file, filename: 'f', at: subject.now(), origin: 'upload' } as const
      await subject.catalogue.restore(await received(subject, 'late'), imported)
      expect(await found(id)).toEqual({ in: 4 })
    },
  )

  test('inputs: a file that is replaced while many ask is one content or the other, and none is lost', async () => {
    const file = await upload(subject, 'short')
    const { id } = await launched(subject, { ...SCHEDULED, mountFiles: { [file]: 'in' } })
    for (const word of ['a longer one', 'short', 'a longer one']) {
      const asked = Array.from({ length: 8 }, (_, nth) =>
        (nth % 2 ? subject.runs : subject.otherRuns).inputs(objectId(id), null, ALL, subject.now()),
      )
      const [, ...lists] = await Promise.all([replace(file, word), ...asked])
      for (const list of lists) expect([5, 12]).toContain(list?.[0]?.content?.length)
    }
    expect(await found(id)).toEqual({ in: 12 })
    expect(await loose(subject)).not.toContain(present(await subject.catalogue.find(file)).body)
  })

  test('inputs: of a firing its outputs as well, of each index those of the last attempt that was complete', async () => {
    const { id } = await launched(subject, SCHEDULED)
    await leave(subject, id, ref(7, 0, 0), 'first try', 'x')
    await leave(subject, id, ref(7, 0, 1), 'result')
    await leave(subject, id, ref(7, 1, 0), 'x', 'deep/er')
    await leave(subject, id, ref(8, 0, 0), 'of another firing')
    const [open, given] = [ref(7, 1, 1), ref(7, 2, 0)].map((at) => ({ serviceId: objectId(id), ...at }))
    const moment = { at: subject.now(), orphanedAt: subject.now() }
    for (const run of [open, given]) {
      await subject.runs.open(present(run), subject.now())
      await bringing(subject, present(run), 'y')
    }
    await subject.runs.giveUp(present(given), 'why', [], moment)
    expect(await found(id, 7)).toEqual({ 'outputs/0/result': 6, 'outputs/1/deep/er': 7, 'outputs/1/x': 1 })
    expect(await found(id)).toEqual({})
    expect(await found(id, 2 ** 33)).toEqual({})
  })

  test('inputs: an output whose file was deleted is none', async () => {
    const { id } = await launched(subject)
    const [a] = await leave(subject, id, ref(0, 0), 'a', 'b')
    await subject.catalogue.remove(present(a), subject.now())
    expect(await found(id, 0)).toEqual({ 'outputs/0/b': 1 })
  })

  const shaOf = async (word: string) => (await received(subject, word)).content.sha256

  const findContent = async (id: ServiceId, word: string, scope: ContentScope = 'mounts') =>
    subject.otherRuns.findContent(objectId(id), await shaOf(word), scope)

  test('inputs: in pages, by the bytes of their names, each once', async () => {
    const file = await upload(subject, 'mounted')
    const { id } = await launched(subject, { mountFiles: { [file]: 'Z' } })
    const names = ['B', 'a/b', 'a b', 'ä', '\u{1F600}', '\uFFFD']
    await leave(subject, id, ref(0, 0), ...names)
    const all = ['Z', ...names.map((name) => `outputs/0/${name}`)].toSorted((one, other) =>
      Buffer.compare(Buffer.from(one), Buffer.from(other)),
    )
    for (const limit of [1, 2, 3, 7, 100]) {
      const seen: string[] = []
      for (let size = limit; size === limit; ) {
        const page = present(
          await subject.runs.inputs(objectId(id), 0, { after: seen.at(-1) ?? '', limit }, subject.now()),
        )
        seen.push(...page.map(({ name }) => name))
        size = page.length
      }
      expect(seen).toEqual(all)
    }
  })
}
