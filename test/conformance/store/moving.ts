import { expect, test } from 'vitest'
import { LATE_MS, LIVE_STATES, type PartnerStatuses, type RunNumber, STATES } from '../../../shared/po/model.ts'
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

/** `transition`, `recordPoll` and `savePartners`. */
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
    await subject.store.recordPoll(key, run, false, subject.now())
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

  test('a removal is recorded with the move; while creation may go on it is held open', async () => {
    const analysis = await begun(subject.store)
    await subject.store.transition(analysis.key, LIVE_STATES, 'stopping', {
      removal: { archive: false },
      claimedUntil: null,
    })
    expect(await subject.other.pendingRemovals()).toEqual([
      {
        key: analysis.key,
        id: analysis.id,
        firstRun: 1,
        lastRun: 1,
        archive: false,
        makingUntil: analysis.claimedUntil,
        holdUntil: analysis.claimedUntil,
        attempts: 0,
        unfinished: 0,
        logsTaken: false,
        rootRemoved: false,
        clientRemoved: false,
      },
    ])
  })

  test('a removal after creation waits for calls that were given up alone, and spans all runs', async () => {
    const { key } = await executing(subject.store)
    await subject.store.transition(key, ['executing'], 'started', { nextRun: true })
    await subject.store.transition(key, ['started'], 'executed', { removal: { archive: true } })
    expect(await subject.store.pendingRemovals()).toMatchObject([
      { firstRun: 1, lastRun: 2, archive: true, makingUntil: subject.now(), holdUntil: subject.pass(LATE_MS) },
    ])
  })

  test('a delete after a stop makes the same removal archive', async () => {
    const { key } = await executing(subject.store)
    await subject.store.transition(key, ['executing'], 'stopping', { removal: { archive: false } })
    await subject.store.markLogsTaken(key)
    await subject.store.transition(key, ['stopping'], 'stopping', { removal: { archive: true } })
    await subject.store.transition(key, ['stopping'], 'stopping', { removal: { archive: false } })
    expect(await subject.store.pendingRemovals()).toMatchObject([{ archive: true, logsTaken: true }])
  })

  test('silence grows with failed polls and ends with a heard one; other runs do not count', async () => {
    const { key, run, id } = await executing(subject.store)
    const first = subject.pass(1000)
    await subject.store.recordPoll(key, run, false, first)
    await subject.store.recordPoll(key, run, false, subject.pass(1000))
    await subject.store.recordPoll(key, 2 as RunNumber, false, subject.now())
    expect(await subject.store.find(id)).toMatchObject({ silentPolls: 2, silentSince: first })
    await subject.store.recordPoll(key, 2 as RunNumber, true, subject.now())
    expect(await subject.store.find(id)).toMatchObject({ silentPolls: 2 })
    await subject.store.recordPoll(key, run, true, subject.now())
    expect(await subject.store.find(id)).toMatchObject({ silentPolls: 0, silentSince: null })
  })

  test.each<[string, PartnerStatuses]>([
    ['none', {}],
    ['with and without a status', { 'node-1': 'executing', 'node-2': null }],
    ['of any name', { '': 'failed', 'a "b" \\ c': null, ü: 'stopped' }],
  ])('partners are remembered as they were said last: %s', async (_, partners) => {
    const { id, key } = await executing(subject.store)
    await subject.store.savePartners(key, { former: 'executed' })
    await subject.store.savePartners(key, partners)
    await subject.store.transition(key, ['executing'], 'starting', { nextRun: true })
    expect((await subject.other.find(id))?.partners).toEqual(partners)
  })

  test('partners of one that is gone are nothing, and a later incarnation has none', async () => {
    const { id, key } = await begun(subject.store)
    await subject.store.abandon(key)
    await subject.store.savePartners(key, { one: 'failed' })
    expect((await begun(subject.store, { id })).partners).toEqual({})
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
