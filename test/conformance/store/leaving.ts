import { expect, test } from 'vitest'
import { LATE_MS, LIVE_STATES } from '../../../shared/po/model.ts'
import { begun, executing, type Subject } from './subject.ts'

/** Removals that are recorded with a transition. */
export function leaving(subject: Subject): void {
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
}
