import { expect, test } from 'vitest'
import type { RunKey } from '../../../../shared/files/model.ts'
import type { Runs } from '../../../../shared/files/ports.ts'
import {
  ALL,
  completing,
  digestOf,
  inPhase,
  LIMITS,
  launched,
  loose,
  newId,
  objectId,
  received,
  ref,
  type Subject,
} from '../../dt-store/subject.ts'

/** `open`, `keep`, `giveUp`. */
export function leaving(subject: Subject): void {
  const moment = (ms = 0) => ({ at: subject.now(), orphanedAt: new Date(subject.now().getTime() + ms) })

  const keyOf = (id: string, index = 0, attempt = 0): RunKey => ({ serviceId: objectId(id), ...ref(0, index, attempt) })

  const begun = async (): Promise<RunKey> => {
    const key = keyOf((await launched(subject)).id)
    await subject.runs.open(key, subject.now())
    return key
  }

  const keep = async (key: RunKey, path: string, word = path, runs: Runs = subject.runs) =>
    runs.keep(await received(subject, word), key, path, LIMITS, moment())

  const NONE = digestOf([])

  const state = (key: RunKey) => subject.otherRuns.open(key, subject.now())

  const taken = (key: RunKey) => subject.otherRuns.taken(key, ALL)

  const emptied = (key: RunKey) => subject.runs.complete(key, NONE, [], [], subject.now())

  const many = <T>(count: number, work: (runs: Runs, nth: number) => Promise<T>) =>
    Promise.all(Array.from({ length: count }, (_, nth) => work(nth % 2 ? subject.runs : subject.otherRuns, nth)))

  test('open: a set is begun once, of each attempt one', async () => {
    const { id } = await launched(subject)
    const sets = await many(10, (runs) => runs.open(keyOf(id), subject.now()))
    for (const set of sets) expect(set).toEqual({ state: 'open', reason: null, files: 0, bytes: 0 })
    await keep(keyOf(id), 'a')
    expect(await state(keyOf(id))).toMatchObject({ files: 1, bytes: 1 })
    expect(await taken(keyOf(id))).toMatchObject([{ path: 'a', length: 1 }])
    for (const other of [keyOf(id, 0, 1), keyOf(id, 1)]) {
      expect(await state(other)).toMatchObject({ files: 0, bytes: 0 })
      expect(await taken(other)).toEqual([])
    }
  })

  test('nothing is begun or taken where there is no service, or one that is being removed', async () => {
    const removing = await inPhase(subject, 'removing')
    for (const id of [newId(), removing.id]) {
      expect(await subject.runs.open(keyOf(id), subject.now())).toBeUndefined()
      const got = await received(subject, 'late')
      expect(await subject.runs.keep(got, keyOf(id), 'late', LIMITS, moment())).toBe('closed')
      expect(await loose(subject)).toContain(got.body)
      expect(await emptied(keyOf(id))).toBe('closed')
      await subject.runs.giveUp(keyOf(id), 'why', [], moment())
    }
  })

  test('a removal that begins ends what is under way', async () => {
    const key = await begun()
    await keep(key, 'a')
    await subject.store.move(key.serviceId as never, ['pending'], 'removing')
    expect(await keep(key, 'b')).toBe('closed')
    expect(await completing(subject, key)).toBe('closed')
    expect(await state(key)).toBeUndefined()
  })

  test('keep: what was taken is there by path; the same bytes under two paths are two', async () => {
    const key = await begun()
    for (const path of ['z', 'a/b', 'A']) expect(await keep(key, path, 'same')).toBe('kept')
    const { sha256 } = (await received(subject, 'same')).content
    expect(await taken(key)).toEqual(['A', 'a/b', 'z'].map((path) => ({ path, sha256, length: 4 })))
    expect(await state(key)).toMatchObject({ files: 3, bytes: 12 })
  })

  test('keep: another under its path takes its place, and what was there is loose when it is due', async () => {
    const key = await begun()
    const first = await received(subject, 'first')
    await subject.runs.keep(first, key, 'a', LIMITS, moment())
    await subject.runs.keep(await received(subject, 'another'), key, 'a', LIMITS, moment(5000))
    expect(await taken(key)).toMatchObject([{ path: 'a', length: 7 }])
    expect(await state(key)).toMatchObject({ files: 1, bytes: 7 })
    const due = (ms: number) => {
      const at = new Date(subject.now().getTime() + ms)
      return subject.catalogue.claimOrphans(at, { claimed: at, abandoned: at }, 10)
    }
    expect(await due(4999)).toEqual([])
    expect(await due(5000)).toEqual([first.body])
  })

  test('keep: the same bytes again change nothing, and are loose', async () => {
    const key = await begun()
    await keep(key, 'a')
    const before = await state(key)
    const again = await received(subject, 'a')
    expect(await subject.runs.keep(again, key, 'a', LIMITS, moment())).toBe('kept')
    expect(await state(key)).toEqual(before)
    expect(await loose(subject)).toEqual([again.body])
  })

  test.each(['complete', 'incomplete', 'never begun'])('keep: nothing is taken of a set that is %s', async (end) => {
    const key = end === 'never begun' ? keyOf((await launched(subject)).id) : await begun()
    if (end === 'complete') await emptied(key)
    if (end === 'incomplete') await subject.runs.giveUp(key, 'why', [], moment())
    const got = await received(subject, 'late')
    expect(await subject.runs.keep(got, key, 'late', LIMITS, moment())).toBe('closed')
    expect(await loose(subject)).toEqual([got.body])
    expect((await state(key))?.files).toBe(0)
  })

  test('giveUp: why is said, and what was taken is loose when it is due', async () => {
    const key = await begun()
    const got = await received(subject, 'a')
    await subject.runs.keep(got, key, 'a', LIMITS, moment())
    await subject.otherRuns.giveUp(key, 'too large\0', ['note'], moment())
    expect(await state(key)).toEqual({ state: 'incomplete', reason: 'too large\uFFFD', files: 0, bytes: 0 })
    expect(await loose(subject)).toEqual([got.body])
    expect(await emptied(key)).toBe('closed')
    await subject.runs.giveUp(key, 'another reason', [], moment())
    expect((await state(key))?.reason).toBe('too large\uFFFD')
  })

  test('giveUp: nothing happens to a set that is complete', async () => {
    const key = await begun()
    await keep(key, 'a')
    await completing(subject, key)
    await subject.runs.giveUp(key, 'why', [], moment())
    expect(await state(key)).toMatchObject({ state: 'complete', files: 1 })
    expect(await loose(subject)).toEqual([])
  })
}
