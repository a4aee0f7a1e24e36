import { expect, test } from 'vitest'
import { type RunNumber, STATES } from '../../../shared/po/model.ts'
import {
  begun,
  drain,
  executing,
  LEASE_MS,
  line,
  moved,
  newId,
  note,
  type Subject,
  together,
  unsigned,
} from './subject.ts'

/** `transition`. */
export function moving(subject: Subject): void {
  test('a move from another state is lost and changes nothing', async () => {
    const analysis = await begun(subject.store)
    const patch = { progress: 50, reports: [note('never')], lines: [line()], removal: { archive: true } }
    expect(await subject.store.transition(analysis.key, ['executing'], 'failed', patch)).toBeUndefined()
    expect(await subject.store.find(analysis.id)).toEqual(analysis)
    expect(await drain(subject.store, subject.now())).toEqual([])
    expect(await subject.store.pendingRemovals()).toEqual([])
  })

  test('of 20 moves at the same time one wins', async () => {
    const { key } = await begun(subject.store)
    const results = await together(subject, 20, (store, nth) =>
      store.transition(key, ['starting'], nth % 3 === 0 ? 'started' : 'failed', { reports: [note(String(nth))] }),
    )
    expect(results.filter((result) => result !== undefined)).toHaveLength(1)
    expect(await drain(subject.store, subject.now())).toHaveLength(1)
  })

  test('a move of another run is lost', async () => {
    const { key } = await executing(subject.store)
    expect(await subject.store.transition(key, ['executing'], 'failed', {}, 2 as RunNumber)).toBeUndefined()
    expect(await subject.store.transition(key, ['executing'], 'failed', {}, 1 as RunNumber)).toMatchObject({ run: 1 })
  })

  test.each(STATES)('an analysis can be %s', async (state) => {
    const { key } = await begun(subject.store)
    expect(await subject.store.transition(key, ['starting'], state)).toMatchObject({ state })
  })

  test('the states of all are those of the whole rows, oldest first', async () => {
    expect(await subject.store.listStates()).toEqual([])
    for (const state of STATES) {
      const { key } = await begun(subject.store, { spelling: newId().toUpperCase() })
      await subject.store.transition(key, ['starting'], state, { progress: STATES.indexOf(state) })
    }
    const rows = await subject.other.list()
    expect(rows.map(({ state }) => state)).toEqual(STATES)
    expect(await subject.store.listStates()).toEqual(
      rows.map(({ spelling, state, progress }) => ({ spelling, state, progress })),
    )
  })

  test('`since` changes only when the state does', async () => {
    const { key, since } = await executing(subject.store)
    const then = subject.pass(5000)
    expect(await subject.store.transition(key, ['executing'], 'executing', { progress: 3 })).toMatchObject({ since })
    expect(await subject.store.transition(key, ['executing'], 'failed')).toMatchObject({ since: then })
  })

  test.each([
    ['rises', 40, 60, 60],
    ['never falls', 40, 30, 40],
    ['stays within 100', 40, 250, 100],
    ['stays within 0', 0, -3, 0],
  ])('progress %s', async (_, from, to, then) => {
    const { key } = await executing(subject.store, { progress: from })
    expect(await subject.store.transition(key, ['executing'], 'executing', { progress: to })).toMatchObject({
      progress: then,
    })
  })

  test('cause, due time and claim change where the patch has them, and stay where it has not', async () => {
    const { key } = await begun(subject.store)
    const dueAt = new Date(subject.now().getTime() + 1234)
    const set = await subject.store.transition(key, ['starting'], 'restarting', { cause: 'evicted', dueAt })
    expect(set).toMatchObject({ cause: 'evicted', dueAt, claimedUntil: new Date(subject.now().getTime() + LEASE_MS) })
    const kept = await subject.store.transition(key, ['restarting'], 'restarting', { claimedUntil: null })
    expect(kept).toMatchObject({ cause: 'evicted', dueAt, claimedUntil: null })
    expect(await subject.store.transition(key, ['restarting'], 'started', { cause: null })).toMatchObject({
      cause: null,
    })
  })

  test('the next run has the next number of the id, a fresh silence and one restart more', async () => {
    const { key, run, createdAt } = await executing(subject.store)
    await subject.store.recordPoll(key, run, 'silent', subject.now())
    await subject.store.transition(key, ['executing'], 'executing', { reapplied: true, progress: 30 })
    const then = subject.pass(1000)
    const next = moved(
      await subject.store.transition(key, ['executing'], 'starting', { nextRun: true, cause: 'stuck' }),
    )
    expect(next).toMatchObject({ run: 2, firstRun: 1, restarts: 1, runSince: then, silentPolls: 0, silentSince: null })
    expect(next).toMatchObject({ reapplied: false, progress: 30, createdAt })
  })

  test('an end records the runs with their times and causes', async () => {
    const { key, createdAt } = await executing(subject.store)
    const second = subject.pass(1000)
    await subject.store.transition(key, ['executing'], 'started', { nextRun: true, cause: 'stuck' })
    const end = subject.pass(1000)
    await subject.store.transition(key, ['started'], 'failed', { cause: 'out of memory' })
    await subject.store.archive(key, 'node', unsigned)
    const [entry] = await subject.store.archiveEntries(undefined, 100)
    expect(JSON.parse(entry?.document ?? '{}').runs).toMatchObject([
      { run: 1, startedAt: createdAt.toISOString(), endedAt: second.toISOString(), cause: 'stuck' },
      { run: 2, startedAt: second.toISOString(), endedAt: end.toISOString(), cause: 'out of memory' },
    ])
  })

  test('all incarnations are listed oldest first', async () => {
    const first = await begun(subject.store)
    const second = await begun(subject.other)
    await subject.store.transition(first.key, ['starting'], 'failed')
    expect((await subject.other.list()).map(({ id, state }) => [id, state])).toEqual([
      [first.id, 'failed'],
      [second.id, 'starting'],
    ])
  })
}
