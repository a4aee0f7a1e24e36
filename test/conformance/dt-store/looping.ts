import { expect, test } from 'vitest'
import { type Subject, together } from './subject.ts'

/** Slots of the loop. */
export function looping(subject: Subject): void {
  const take = (slot: number, store = subject.store) => store.takeSlot(slot, subject.now())

  test('of 20 that take a slot one gets it', async () => {
    const taken = await together(subject, 20, (store) => take(177_000_000_000, store))
    expect(taken.filter(Boolean)).toHaveLength(1)
  })

  test('only a later slot can be taken', async () => {
    expect(await take(5)).toBe(true)
    expect(await take(4, subject.other)).toBe(false)
    expect(await take(5, subject.other)).toBe(false)
    expect(await take(6, subject.other)).toBe(true)
  })

  test('a slot that was given back can be taken again, by one', async () => {
    await take(5)
    await subject.store.giveBackSlot(5)
    const taken = await together(subject, 10, (store) => take(5, store))
    expect(taken.filter(Boolean)).toHaveLength(1)
  })

  test('a slot that is past cannot be given back', async () => {
    await take(5)
    await take(6)
    await subject.store.giveBackSlot(5)
    expect(await take(5, subject.other)).toBe(false)
    expect(await take(6, subject.other)).toBe(false)
  })

  test('the loop is installed when it is first asked for', async () => {
    const installedAt = subject.now()
    const fresh = { completedSlot: null, completedAt: null, installedAt }
    expect(await subject.store.loopState(installedAt)).toEqual(fresh)
    expect(await subject.other.loopState(subject.pass(5000))).toEqual(fresh)
  })

  test('taken slots are not completed ones, and a late sweep does not turn the loop back', async () => {
    const installedAt = subject.now()
    await take(7)
    expect(await subject.store.loopState(subject.now())).toEqual({
      completedSlot: null,
      completedAt: null,
      installedAt,
    })
    const at = subject.pass(1000)
    await subject.store.completeSlot(7, at)
    await subject.other.completeSlot(6, subject.pass(1000))
    expect(await subject.other.loopState(subject.now())).toEqual({ completedSlot: 7, completedAt: at, installedAt })
  })

  test('the database answers', async () => {
    await expect(subject.store.ping()).resolves.toBeUndefined()
  })
}
