import { expect, test } from 'vitest'
import type { RunKey } from '../../../../shared/files/model.ts'
import type { Runs } from '../../../../shared/files/ports.ts'
import {
  ALL,
  digestOf,
  LIMITS,
  launched,
  leave,
  loose,
  newId,
  objectId,
  present,
  received,
  ref,
  type Subject,
} from '../../dt-store/subject.ts'

/** `complete`: all outputs appear at once, or none. */
export function ending(subject: Subject): void {
  const moment = (ms = 0) => ({ at: subject.now(), orphanedAt: new Date(subject.now().getTime() + ms) })

  const keyOf = (id: string, index = 0, attempt = 0): RunKey => ({ serviceId: objectId(id), ...ref(0, index, attempt) })

  const begun = async (): Promise<RunKey> => {
    const key = keyOf((await launched(subject)).id)
    await subject.runs.open(key, subject.now())
    return key
  }

  const keep = async (key: RunKey, path: string, word = path, runs: Runs = subject.runs) =>
    runs.keep(await received(subject, word), key, path, LIMITS, moment())

  const newIds = (count: number) => Array.from({ length: count }, () => objectId(newId()))

  const NONE = digestOf([])

  const state = (key: RunKey) => subject.otherRuns.open(key, subject.now())

  const taken = (key: RunKey) => subject.otherRuns.taken(key, ALL)

  const emptied = (key: RunKey) => subject.runs.complete(key, NONE, [], [], subject.now())

  const many = <T>(count: number, work: (runs: Runs, nth: number) => Promise<T>) =>
    Promise.all(Array.from({ length: count }, (_, nth) => work(nth % 2 ? subject.runs : subject.otherRuns, nth)))

  test('complete: each file is one of the service, in its place and under its path', async () => {
    const key = await begun()
    for (const path of ['b', 'a', 'ä']) await keep(key, path)
    const ids = newIds(3)
    const digest = digestOf(await taken(key))
    expect(await subject.otherRuns.complete(key, digest, ids, ['a note', '\0'], subject.now())).toBe('complete')
    expect(await state(key)).toEqual({ state: 'complete', reason: null, files: 3, bytes: 3 })
    expect(await taken(key)).toEqual([])
    const outputs = await subject.store.outputs(key.serviceId as never)
    expect(outputs.map(({ seq, path }) => [seq, path])).toEqual([
      [0, 'a'],
      [1, 'b'],
      [2, 'ä'],
    ])
    for (const [nth, path] of ['a', 'b', 'ä'].entries())
      expect(await subject.catalogue.find(present(ids[nth]))).toMatchObject({
        filename: path,
        origin: 'output',
        length: path.length,
        uploadedAt: subject.now(),
      })
    expect(await loose(subject)).toEqual([])
  })

  test('complete: with nothing in it, too', async () => {
    const key = await begun()
    expect(await emptied(key)).toBe('complete')
    expect(await state(key)).toEqual({ state: 'complete', reason: null, files: 0, bytes: 0 })
  })

  test.each([
    ['one that was not taken', ['a', 'b', 'c']],
    ['one too few', ['a']],
    ['another in its place', ['a', 'c']],
    ['one twice', ['a', 'a']],
    ['none', []],
  ])('complete: not with %s; the set is open still', async (_, paths) => {
    const key = await begun()
    for (const path of ['a', 'b']) await keep(key, path)
    const known = new Map((await taken(key)).map((file) => [file.path, file]))
    const said = paths.map((path) => known.get(path) ?? { ...present(known.get('a')), path })
    expect(await subject.runs.complete(key, digestOf(said), newIds(said.length), [], subject.now())).toBe('differs')
    expect(await state(key)).toMatchObject({ state: 'open', files: 2 })
    expect(await taken(key)).toMatchObject([{ path: 'a' }, { path: 'b' }])
    expect(await subject.store.outputs(key.serviceId as never)).toEqual([])
  })

  test('complete: of 10 at once one does, and a later one does not', async () => {
    const key = await begun()
    await keep(key, 'a')
    const digest = digestOf(await taken(key))
    const results = await many(10, (runs) => runs.complete(key, digest, newIds(1), [], subject.now()))
    expect(results.toSorted()).toEqual([...Array(9).fill('closed'), 'complete'])
    expect(await subject.runs.complete(key, digest, newIds(1), [], subject.now())).toBe('closed')
    expect(await subject.store.outputs(key.serviceId as never)).toHaveLength(1)
  })

  test('complete: runs that end at once have places of their own, without a gap', async () => {
    const { id } = await launched(subject)
    await Promise.all(Array.from({ length: 8 }, (_, index) => leave(subject, id, ref(0, index), 'x', 'y')))
    const outputs = await subject.store.outputs(id)
    expect(outputs.map(({ seq }) => seq)).toEqual(Array.from({ length: 16 }, (_, seq) => seq))
    // Those of a run are together.
    expect(outputs.every(({ index }, at) => outputs[at ^ 1]?.index === index)).toBe(true)
  })

  /** No content in use is orphaned. */
  async function expectWhole(key: RunKey, isComplete: boolean) {
    const set = present(await state(key))
    expect([set.state, set.files]).toEqual(isComplete ? ['complete', 1] : ['incomplete', 0])
    const outputs = await subject.store.outputs(key.serviceId as never)
    expect(outputs).toHaveLength(set.files)
    const kept = await Promise.all(outputs.map(({ fileId }) => subject.catalogue.find(objectId(fileId))))
    const gone = await loose(subject)
    for (const file of kept) expect(gone).not.toContain(file?.body)
    await Promise.all(gone.map((body) => subject.catalogue.forget(body)))
  }

  test('a set that is completed, given up and added to at once is one of them, wholly', async () => {
    for (let turn = 0; turn < 15; turn += 1) {
      const key = await begun()
      await keep(key, 'a', `of turn ${turn}`)
      const digest = digestOf(await taken(key))
      const [outcome] = await Promise.all([
        subject.runs.complete(key, digest, newIds(1), [], subject.now()),
        subject.otherRuns.giveUp(key, 'why', [], moment()),
        keep(key, 'a', `anew in turn ${turn}`, subject.otherRuns),
      ])
      if (outcome === 'differs') await subject.runs.giveUp(key, 'why', [], moment())
      await expectWhole(key, outcome === 'complete')
    }
  })
}
