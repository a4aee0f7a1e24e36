import { expect, test } from 'vitest'
import { PHASES } from '../../../shared/dt/model.ts'
import { DAY_MS, inPhase, isEndedPhase, type Subject } from './subject.ts'

/** `expired`: services whose retention has ended. */
export function expiring(subject: Subject): void {
  test.each(PHASES)('expired: whether one that is %s may', async (phase) => {
    const { id } = await inPhase(subject, phase)
    subject.pass(100 * DAY_MS)
    expect(await subject.store.expired(subject.now(), 1, 10)).toEqual(isEndedPhase(phase) ? [id] : [])
  })

  test.each([
    ['the days of the installation', null, 3, 3],
    ['its own days', 5, 3, 5],
    ['its own days, where the installation keeps for ever', 2, 0, 2],
    ['never, as the installation says', null, 0, undefined],
    ['never, as it says itself', 0, 3, undefined],
  ])('expired: after %s', async (_, retentionDays, days, after) => {
    const { id } = await inPhase(subject, 'succeeded', { retentionDays })
    subject.pass((after ?? 1000) * DAY_MS - 1)
    expect(await subject.other.expired(subject.now(), days, 10)).toEqual([])
    subject.pass(1)
    expect(await subject.other.expired(subject.now(), days, 10)).toEqual(after === undefined ? [] : [id])
  })

  test('expired: those that ended first come first, no more than asked for', async () => {
    const ids = []
    for (const phase of ['failed', 'succeeded', 'terminated'] as const) {
      ids.unshift((await inPhase(subject, phase)).id)
      subject.pass(-1000)
    }
    subject.pass(10 * DAY_MS)
    expect(await subject.store.expired(subject.now(), 1, 10)).toEqual(ids)
    expect(await subject.store.expired(subject.now(), 1, 2)).toEqual(ids.slice(0, 2))
  })
}
