import { expect, test } from 'vitest'
import { isLive, STATES } from '../../../shared/po/model.ts'
import { begun, executing, moved, type Subject, together } from './subject.ts'

/** Silence, and the reset of silence timers. */
export function silencing(subject: Subject): void {
  const silent = async () => {
    const analysis = await executing(subject.store)
    await subject.store.recordPoll(analysis.key, analysis.run, 'silent', subject.now())
    return analysis
  }

  test('without analyses none is silent', async () => {
    expect(await subject.store.silence()).toEqual({ heard: 0, silent: 0 })
  })

  test('executing ones are counted, and those of them whose last poll failed', async () => {
    for (const state of STATES) {
      const { key, run } = await begun(subject.store)
      await subject.store.recordPoll(key, run, 'silent', subject.now())
      await subject.store.transition(key, ['starting'], state)
    }
    await executing(subject.store)
    const again = await silent()
    expect(await subject.other.silence()).toEqual({ heard: 3, silent: 2 })
    await subject.store.recordPoll(again.key, again.run, 'heard', subject.now())
    expect(await subject.other.silence()).toEqual({ heard: 3, silent: 1 })
  })

  test.each(STATES)('the silence of a %s one is pardoned if it is live', async (state) => {
    const { key, run } = await begun(subject.store)
    const first = subject.now()
    await subject.store.recordPoll(key, run, 'silent', first)
    await subject.store.recordPoll(key, run, 'silent', subject.pass(1000))
    const before = moved(await subject.store.transition(key, ['starting'], state))
    await subject.other.resetSilenceTimers(subject.now(), 'stalled')
    const after = isLive(state) ? { silentPolls: 0, silentSince: null } : { silentPolls: 2, silentSince: first }
    expect(await subject.store.findByKey(key)).toEqual({ ...before, ...after })
  })

  test('after a pardon a silence begins anew', async () => {
    const { key, run, id } = await silent()
    await subject.store.resetSilenceTimers(subject.now(), 'stalled')
    const then = subject.pass(1000)
    await subject.store.recordPoll(key, run, 'silent', then)
    expect(await subject.store.find(id)).toMatchObject({ silentPolls: 1, silentSince: then })
  })

  test('a fault of ours is remembered, any other pardon is not', async () => {
    await subject.store.resetSilenceTimers(subject.now(), 'stalled')
    expect(await subject.store.loopState(subject.now())).toMatchObject({ faultAt: null })
    const at = subject.pass(1000)
    await subject.store.resetSilenceTimers(at, 'fault')
    await subject.store.completeSlot(7, subject.pass(1000))
    await subject.other.resetSilenceTimers(subject.now(), 'stalled')
    expect(await subject.other.loopState(subject.now())).toMatchObject({ completedSlot: 7, faultAt: at })
    const again = subject.pass(1000)
    await subject.other.resetSilenceTimers(again, 'fault')
    await subject.other.resetSilenceTimers(at, 'fault')
    expect(await subject.store.loopState(subject.now())).toMatchObject({ faultAt: again })
  })

  test('polls, claims and pardons of all at the same time do not wait in a circle', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, silent))
    await together(subject, 60, async (store, nth) => {
      if (nth % 3 === 0) await store.resetSilenceTimers(subject.now(), 'fault')
      else if (nth % 3 === 1)
        await store.releaseClaims((await store.claimDue(subject.now(), 1000, 7)).map(({ key }) => key))
      else for (const { key, run } of [...all].reverse()) await store.recordPoll(key, run, 'silent', subject.now())
    })
    await subject.store.resetSilenceTimers(subject.now(), 'stalled')
    expect(await subject.store.silence()).toEqual({ heard: 20, silent: 0 })
  })
}
