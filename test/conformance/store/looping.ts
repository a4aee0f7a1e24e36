import { expect, test } from 'vitest'
import { type Subject, together } from './subject.ts'

/** Slots of the status loop. */
export function looping(subject: Subject): void {
  test('of 20 that take a slot one gets it', async () => {
    const taken = await together(subject, 20, (store) => store.takeSlot(177_000_000, subject.now()))
    expect(taken.filter(Boolean)).toHaveLength(1)
  })

  test('only a later slot can be taken', async () => {
    expect(await subject.store.takeSlot(5, subject.now())).toBe(true)
    expect(await subject.other.takeSlot(4, subject.now())).toBe(false)
    expect(await subject.other.takeSlot(5, subject.now())).toBe(false)
    expect(await subject.other.takeSlot(6, subject.now())).toBe(true)
  })

  test('a slot that was given back can be taken again, by one', async () => {
    await subject.store.takeSlot(5, subject.now())
    await subject.store.giveBackSlot(5)
    const taken = await together(subject, 10, (store) => store.takeSlot(5, subject.now()))
    expect(taken.filter(Boolean)).toHaveLength(1)
  })

  test('a slot that is past cannot be given back', async () => {
    await subject.store.takeSlot(5, subject.now())
    await subject.store.takeSlot(6, subject.now())
    await subject.store.giveBackSlot(5)
    expect(await subject.other.takeSlot(5, subject.now())).toBe(false)
    expect(await subject.other.takeSlot(6, subject.now())).toBe(false)
  })

  test('the loop is installed when it is first asked for', async () => {
    const installedAt = subject.now()
    const fresh = { completedSlot: null, completedAt: null, installedAt, faultAt: null }
    expect(await subject.store.loopState(installedAt)).toEqual(fresh)
    expect(await subject.other.loopState(subject.pass(5000))).toEqual(fresh)
  })

  test('taken slots are not completed ones, and a late sweep does not turn the loop back', async () => {
    const installedAt = subject.now()
    await subject.store.takeSlot(7, subject.now())
    expect(await subject.store.loopState(subject.now())).toMatchObject({ completedSlot: null, installedAt })
    const at = subject.pass(1000)
    await subject.store.completeSlot(7, at)
    await subject.other.completeSlot(6, subject.pass(1000))
    expect(await subject.other.loopState(subject.now())).toEqual({
      completedSlot: 7,
      completedAt: at,
      installedAt,
      faultAt: null,
    })
  })

  test('the database answers', async () => {
    await expect(subject.store.ping()).resolves.toBeUndefined()
  })
}
