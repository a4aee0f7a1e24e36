import { expect, test } from 'vitest'
import type { AnalysisKey } from '../../../shared/po/model.ts'
import type { PoStore } from '../../../shared/po/ports/store.ts'
import {
  archived,
  begun,
  ended,
  executing,
  input,
  LEASE_MS,
  newId,
  type Subject,
  together,
  unsigned,
} from './subject.ts'

/** `begin` of an id that had an analysis before: numbers never repeat. */
export function beginningAgain(subject: Subject): void {
  test('one whose root was not asked to go has to be released first', async () => {
    const { key, id } = await executing(subject.store)
    await subject.store.transition(key, ['executing'], 'stopping', { removal: { archive: false } })
    const result = await subject.other.begin(input({ id }))
    expect(result).toMatchObject({ kind: 'unreleased', removal: { key, rootRemoved: false, lastRun: 1 } })
    await subject.store.claimRemoval(key, subject.now(), LEASE_MS)
    await subject.store.markLogsTaken(key)
    expect(await subject.other.begin(input({ id }))).toMatchObject({ kind: 'unreleased', removal: { logsTaken: true } })
    await subject.store.archive(key, 'node', unsigned)
    expect(await subject.other.begin(input({ id }))).toMatchObject({ kind: 'unreleased', removal: { key } })
  })

  test.each([
    ['abandoned', (store: PoStore, key: AnalysisKey) => store.abandon(key)],
    ['forgotten by a reset', (store: PoStore) => store.reset()],
  ])('so has one that is %s', async (_, forget) => {
    const { key, id } = await begun(subject.store)
    await forget(subject.other, key)
    expect(await subject.other.begin(input({ id }))).toMatchObject({ kind: 'unreleased', removal: { key } })
    await subject.store.markRootRemoved(key)
    expect(await subject.other.begin(input({ id }))).toMatchObject({ kind: 'begun', analysis: { run: 2 } })
  })

  test('one whose root goes has to be archived, though its objects are still being removed', async () => {
    const { key, id } = await executing(subject.store)
    await subject.store.transition(key, ['executing'], 'stopping', { removal: { archive: false } })
    await subject.store.markLogsTaken(key)
    await subject.store.markRootRemoved(key)
    expect(await subject.other.begin(input({ id }))).toMatchObject({ kind: 'ended', analysis: { key } })
    await subject.other.archive(key, 'node', unsigned)
    const next = await begun(subject.other, { id })
    expect(next).toMatchObject({ run: 2, firstRun: 2, restarts: 0, progress: 0 })
    expect(next.key).not.toBe(key)
    expect(await subject.store.pendingRemovals()).toMatchObject([{ key, firstRun: 1, lastRun: 1 }])
  })

  test.each(['stopped', 'failed', 'executed'] as const)('a %s one has to be archived', async (outcome) => {
    const { id, key } = await ended(subject.store, await executing(subject.store), outcome)
    expect(await subject.store.begin(input({ id }))).toMatchObject({ kind: 'ended', analysis: { key, state: outcome } })
  })

  test('20 that archive and begin again at the same time leave one run, the next one', async () => {
    const former = await ended(subject.store, await executing(subject.store))
    const results = await together(subject, 20, async (store) => {
      const first = await store.begin(input({ id: former.id }))
      if (first.kind !== 'ended') return first.kind
      await store.archive(first.analysis.key, 'node', unsigned)
      return (await store.begin(input({ id: former.id }))).kind
    })
    expect(results.filter((kind) => kind === 'begun')).toHaveLength(1)
    expect(results.filter((kind) => kind === 'running')).toHaveLength(19)
    expect(await subject.store.list()).toMatchObject([{ run: 2 }])
    expect(await subject.store.archiveEntries(undefined, 100, former.id)).toHaveLength(1)
  })

  test('numbers survive what is abandoned, archived and reset', async () => {
    const id = newId()
    await subject.store.abandon((await begun(subject.store, { id })).key)
    await archived(subject.store, await begun(subject.store, { id }))
    await executing(subject.store, { id })
    await subject.other.reset()
    expect((await begun(subject.store, { id })).run).toBe(4)
  })
}
