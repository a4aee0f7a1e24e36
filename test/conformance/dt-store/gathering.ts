import { expect, test } from 'vitest'
import {
  bringing,
  inPhase,
  launched,
  leave,
  newId,
  objectId,
  record,
  ref,
  run,
  SCHEDULED,
  type Subject,
} from './subject.ts'

/** `runsOf`, `manifests` and `outputs`. */
export function gathering(subject: Subject): void {
  test('runsOf: of an on-demand service the runs of its firing, of a scheduled one all', async () => {
    const [once, often, none] = [await launched(subject), await launched(subject, SCHEDULED), await launched(subject)]
    for (const { id } of [once, often]) await record(subject.store, id, run(ref(1, 1)), run(ref(0, 0)), run(ref(1, 0)))
    await subject.store.move(once.id, ['pending'], 'running', { firing: 1 })
    const found = await subject.other.runsOf([once.id, often.id, none.id, newId()])
    expect(found).toEqual(
      new Map([
        [once.id, [run(ref(1, 0)), run(ref(1, 1))]],
        [often.id, [run(ref(0, 0)), run(ref(1, 0)), run(ref(1, 1))]],
      ]),
    )
    expect(await subject.store.runsOf([])).toEqual(new Map())
  })

  test('manifests: what current runs said of their outputs', async () => {
    const { id } = await inPhase(subject, 'running')
    const open = (index: number, firing = 0) => ({ serviceId: objectId(id), firing, index, attempt: 0 })
    await leave(subject, id, ref(0, 0), 'a', 'b')
    await leave(subject, id, ref(0, 1))
    const moment = { at: subject.now(), orphanedAt: subject.now() }
    await subject.runs.open(open(2), subject.now())
    await bringing(subject, open(2), 'c')
    await subject.runs.open(open(3), subject.now())
    await subject.runs.giveUp(open(3), 'too large', [], moment)
    await subject.runs.open(open(0, 1), subject.now())
    const found = (await subject.other.manifests([id, newId()])).get(id)
    expect(found?.toSorted((one, other) => one.index - other.index)).toEqual([
      { ...ref(0, 0), state: 'complete', reason: null, files: 2 },
      { ...ref(0, 1), state: 'complete', reason: null, files: 0 },
      { ...ref(0, 2), state: 'open', reason: null, files: 0 },
      { ...ref(0, 3), state: 'incomplete', reason: 'too large', files: 0 },
    ])
    expect(await subject.store.manifests([])).toEqual(new Map())
  })

  test('outputs: in the order in which runs said that theirs were complete, each in its place', async () => {
    const { id } = await inPhase(subject, 'running')
    const second = await leave(subject, id, ref(0, 1), 'b', 'a')
    const first = await leave(subject, id, ref(0, 0), 'a')
    const [a, b] = second
    expect(await subject.other.outputs(id)).toEqual([
      { seq: 0, ...ref(0, 1), path: 'a', fileId: a, filename: 'a' },
      { seq: 1, ...ref(0, 1), path: 'b', fileId: b, filename: 'b' },
      { seq: 2, ...ref(0, 0), path: 'a', fileId: first[0], filename: 'a' },
    ])
    await subject.catalogue.remove(a as NonNullable<typeof a>, subject.now())
    expect((await subject.store.outputs(id)).map(({ seq }) => seq)).toEqual([1, 2])
    expect(await subject.store.outputs(newId())).toEqual([])
  })
}
