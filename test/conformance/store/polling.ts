import { expect, test } from 'vitest'
import type { PartnerStatuses, RunNumber } from '../../../shared/po/model.ts'
import { begun, executing, type Subject } from './subject.ts'

/** `recordPoll` and `savePartners`. */
export function polling(subject: Subject): void {
  test('silence grows with failed polls and ends with a heard one; other runs do not count', async () => {
    const { key, run, id } = await executing(subject.store)
    const first = subject.pass(1000)
    await subject.store.recordPoll(key, run, 'silent', first)
    await subject.store.recordPoll(key, run, 'silent', subject.pass(1000))
    await subject.store.recordPoll(key, 2 as RunNumber, 'silent', subject.now())
    expect(await subject.store.find(id)).toMatchObject({ silentPolls: 2, silentSince: first })
    await subject.store.recordPoll(key, 2 as RunNumber, 'heard', subject.now())
    expect(await subject.store.find(id)).toMatchObject({ silentPolls: 2 })
    await subject.store.recordPoll(key, run, 'heard', subject.now())
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
}
