import { expect, test } from 'vitest'
import type { Report } from '../../../shared/po/model.ts'
import {
  append,
  archived,
  begun,
  drain,
  executing,
  historyOf,
  input,
  LEASE_MS,
  LOG_BYTES,
  line,
  note,
  type Subject,
  together,
} from './subject.ts'

/** `reset`: deletes everything, and records removals of everything outside the database. */
export function resetting(subject: Subject): void {
  test('everything is empty, and what was there is told', async () => {
    await archived(subject.store, await executing(subject.store))
    const failed = await executing(subject.store)
    await append(subject.store, failed.id, null, line(), () => [note('never sent')])
    await subject.store.transition(failed.key, ['executing'], 'failed')
    const live = await executing(subject.store)
    const present = await subject.store.list()
    expect(await subject.other.reset()).toEqual(present)
    expect(present.map(({ id }) => id)).toEqual([failed.id, live.id])
    expect(await subject.store.list()).toEqual([])
    expect(await historyOf(subject.store)).toEqual({ analysis: {}, nginx: {} })
    expect(await subject.store.archiveEntries(undefined, 100)).toEqual([])
    expect(await drain(subject.store, subject.now())).toEqual([])
    expect(await subject.store.reset()).toEqual([])
  })

  test('the Hub is still told how analyses ended, those included that end by it', async () => {
    const ended = await executing(subject.store)
    const failed: Report = { kind: 'status', status: 'failed', progress: 7 }
    await subject.store.transition(ended.key, ['executing'], 'failed', { reports: [note('not sent yet'), failed] })
    const live = await executing(subject.store)
    const stopped: Report = { kind: 'status', status: 'stopped', progress: 0 }
    await subject.other.reset(({ id }) => (id === live.id ? [stopped] : []))
    expect(await drain(subject.store, subject.now(), ended.id)).toEqual([failed])
    expect(await drain(subject.store, subject.now(), live.id)).toEqual([stopped])
  })

  test('each incarnation leaves a removal that waits for no logs; a creation under way is waited for', async () => {
    const starting = await begun(subject.store)
    const live = await executing(subject.store)
    const stopping = await executing(subject.store)
    await subject.store.transition(stopping.key, ['executing'], 'stopping', { removal: { archive: true } })
    await subject.store.reset()
    const common = { logsTaken: true, archive: false, firstRun: 1, lastRun: 1 }
    expect(await subject.other.pendingRemovals()).toMatchObject([
      { ...common, key: starting.key, makingUntil: starting.claimedUntil, holdUntil: starting.claimedUntil },
      { ...common, key: live.key, makingUntil: subject.now() },
      { ...common, key: stopping.key },
    ])
    expect(await subject.other.claimRemovals(subject.now(), LEASE_MS, 10)).toHaveLength(3)
  })

  test('what was claimed or made before it is lost without harm', async () => {
    const { key, id } = await begun(subject.store)
    await subject.other.reset()
    expect(await subject.store.transition(key, ['starting'], 'started')).toBeUndefined()
    expect(await append(subject.store, id, null, line(), () => [])).toBeUndefined()
    await subject.store.saveSnapshots(key, [], LOG_BYTES)
    await subject.store.archive(key, 'node', () => Promise.resolve(null))
  })

  test('beside everything else nothing is torn, and none waits for the other', async () => {
    const known = await Promise.all(Array.from({ length: 10 }, () => executing(subject.store)))
    const left = await executing(subject.store)
    await subject.store.transition(left.key, ['executing'], 'stopping', { removal: { archive: true } })
    const work = together(subject, 60, async (store, nth) => {
      const { id, key } = known[nth % known.length] ?? left
      const moves = [
        () => store.begin(input()),
        () => store.begin(input({ id })),
        () => append(store, id, null, line(), () => [note('x')]),
        () =>
          store.transition(key, ['executing'], 'executing', { nextRun: true, lines: [line()], reports: [note('y')] }),
        () => store.transition(key, ['executing'], 'stopping', { removal: { archive: true } }),
        () => store.claimClient(left.key, left.id, subject.now(), LEASE_MS),
        () => store.archive(left.key, 'node', () => Promise.resolve(null)),
      ]
      await moves[nth % moves.length]?.()
    })
    const [gone] = await Promise.all([subject.other.reset(), work])
    const there = new Set((await subject.store.list()).map(({ key }) => key))
    const removed = (await subject.store.pendingRemovals()).map(({ key }) => key)
    expect(removed).toEqual(expect.arrayContaining(gone.map(({ key }) => key)))
    expect(known.map(({ key }) => key).filter((key) => there.has(key))).toEqual([])
    expect(known.every(({ key }) => removed.includes(key))).toBe(true)
  })
}
