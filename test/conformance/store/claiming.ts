import { expect, test } from 'vitest'
import { isLive, STATES } from '../../../shared/po/model.ts'
import { archived, begun, executing, keysOf, LEASE_MS, moved, newId, type Subject, together } from './subject.ts'

/** `claimDue`, `claimSuspects`, `claim`, `releaseClaims`, `listDue`. */
export function claiming(subject: Subject): void {
  test('two claimers never get the same analysis, and together they get all', async () => {
    const all = await Promise.all(Array.from({ length: 40 }, () => executing(subject.store)))
    const shares = await together(subject, 10, (store) => store.claimDue(subject.now(), LEASE_MS, 7))
    const rest = await subject.store.claimDue(subject.now(), LEASE_MS, 100)
    const claimed = [...shares.flat(), ...rest]
    expect(shares.every((share) => share.length <= 7)).toBe(true)
    expect(keysOf(claimed).sort()).toEqual(keysOf(all).sort())
    const until = new Date(subject.now().getTime() + LEASE_MS)
    expect(claimed.every(({ claimedUntil }) => claimedUntil?.getTime() === until.getTime())).toBe(true)
  })

  test('a claim ends with its lease, or when it is given up', async () => {
    const [first, second] = [await executing(subject.store), await executing(subject.store)]
    await subject.store.claimDue(subject.now(), LEASE_MS, 10)
    expect(await subject.other.claimDue(subject.pass(LEASE_MS - 1), LEASE_MS, 10)).toEqual([])
    await subject.store.releaseClaims([first.key])
    expect(keysOf(await subject.other.claimDue(subject.now(), 10 * LEASE_MS, 10))).toEqual([first.key])
    expect(await subject.other.claimDue(subject.pass(1), LEASE_MS, 10)).toEqual([])
    expect(keysOf(await subject.other.claimSuspects(subject.now(), LEASE_MS, [10]))).toEqual([second.key])
    await subject.store.releaseClaims([])
  })

  test('what is not due yet waits', async () => {
    const { key } = await executing(subject.store)
    const dueAt = new Date(subject.now().getTime() + 5000)
    await subject.store.transition(key, ['executing'], 'restarting', { dueAt })
    expect(await subject.store.claimDue(subject.pass(4999), LEASE_MS, 10)).toEqual([])
    expect(keysOf(await subject.store.claimDue(subject.pass(1), LEASE_MS, 10))).toEqual([key])
  })

  test('a creation is not claimed before its lease ends', async () => {
    const { id, key } = await begun(subject.store)
    expect(await subject.store.claimDue(subject.now(), LEASE_MS, 10)).toEqual([])
    expect(await subject.store.claim(id, subject.now(), LEASE_MS)).toBeUndefined()
    expect(keysOf(await subject.store.claimDue(subject.pass(LEASE_MS), LEASE_MS, 10))).toEqual([key])
  })

  test.each(STATES)('a claim of a %s analysis is had only if it is live', async (state) => {
    const { id, key } = await executing(subject.store)
    await subject.store.transition(key, ['executing'], state)
    expect((await subject.store.claim(id, subject.now(), 1)) !== undefined).toBe(isLive(state))
    expect(await subject.store.claimSuspects(subject.pass(1), LEASE_MS, [10])).toHaveLength(isLive(state) ? 1 : 0)
  })

  test('claims are counted before the work, and what was never ended is claimed apart, in groups that get smaller', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => executing(subject.store)))
    const claims = (at: Date) => subject.store.claimSuspects(at, LEASE_MS, [3, 1])
    expect((await subject.store.claimDue(subject.now(), LEASE_MS, 10)).map(({ unfinished }) => unfinished)).toEqual(
      all.map(() => 1),
    )
    expect(await claims(subject.pass(LEASE_MS - 1))).toEqual([])
    subject.pass(1)
    const groups = [await claims(subject.now()), await claims(subject.now()), await claims(subject.now())]
    expect(groups.map((group) => group.map(({ unfinished }) => unfinished))).toEqual([[2, 2, 2], [2, 2], []])
    expect(new Set(groups.flatMap(keysOf))).toEqual(new Set(keysOf(all)))
    const ended = groups[0]?.[0]
    await subject.other.releaseClaims(ended ? [ended.key] : [])
    expect(keysOf(await subject.store.claimDue(subject.now(), LEASE_MS, 10))).toEqual([ended?.key])
    expect((await claims(subject.pass(2 * LEASE_MS))).map(({ key, unfinished }) => [key, unfinished])).toEqual([
      [ended?.key, 2],
    ])
    expect((await claims(subject.now())).map(({ unfinished }) => unfinished)).toEqual([3])
  })

  test('a lease is twice as long for each claim that was not ended, up to 64 times', async () => {
    const { id } = await executing(subject.store)
    for (const times of [1, 2, 4, 8, 16, 32, 64, 64]) {
      const analysis = await subject.store.claim(id, subject.now(), LEASE_MS)
      expect(analysis?.claimedUntil).toEqual(new Date(subject.now().getTime() + times * LEASE_MS))
      expect(await subject.store.claim(id, subject.pass(times * LEASE_MS - 1), LEASE_MS)).toBeUndefined()
      subject.pass(1)
    }
  })

  test('two never get the same suspect', async () => {
    const all = await Promise.all(Array.from({ length: 9 }, () => executing(subject.store)))
    await subject.store.claimDue(subject.now(), LEASE_MS, 100)
    subject.pass(LEASE_MS)
    const groups = await together(subject, 6, (store) => store.claimSuspects(subject.now(), LEASE_MS, [2]))
    const rest = await subject.store.claimSuspects(subject.now(), LEASE_MS, [9])
    expect(keysOf([...groups.flat(), ...rest]).sort()).toEqual(keysOf(all).sort())
  })

  test('of 20 that claim one analysis one gets it', async () => {
    const { id } = await executing(subject.store)
    const results = await together(subject, 20, (store) => store.claim(id, subject.now(), LEASE_MS))
    expect(results.filter((result) => result !== undefined)).toHaveLength(1)
  })

  test('one alone is not claimed before it is due, nor while somebody has it', async () => {
    const { id, key } = await executing(subject.store)
    const dueAt = new Date(subject.now().getTime() + 5000)
    await subject.store.transition(key, ['executing'], 'restarting', { dueAt })
    expect(await subject.store.claim(id, subject.pass(4999), LEASE_MS)).toBeUndefined()
    const until = new Date(subject.pass(1).getTime() + LEASE_MS)
    expect(await subject.store.claim(id, subject.now(), LEASE_MS)).toMatchObject({ id, key, claimedUntil: until })
    expect(await subject.other.claim(id, subject.pass(LEASE_MS - 1), LEASE_MS)).toBeUndefined()
    expect(await subject.other.claim(id, subject.pass(1), LEASE_MS)).toMatchObject({ key })
    expect(await subject.other.claim(newId(), subject.now(), LEASE_MS)).toBeUndefined()
  })

  test('one alone is claimed in its current incarnation', async () => {
    const { id } = await executing(subject.store)
    await archived(subject.store, moved(await subject.store.find(id)))
    expect(await subject.store.claim(id, subject.now(), LEASE_MS)).toBeUndefined()
    const { key } = await executing(subject.store, { id })
    expect(await subject.store.claim(id, subject.now(), LEASE_MS)).toMatchObject({ key, run: 2 })
  })

  test('what is due is listed oldest first, as it would be claimed, and stays unclaimed', async () => {
    const [first, second, third] = [
      await executing(subject.store),
      await executing(subject.store),
      await executing(subject.store),
    ]
    const delays = [
      [first, 3000],
      [second, 1000],
      [third, 2000],
    ] as const
    for (const [{ key }, ms] of delays) {
      const dueAt = new Date(subject.now().getTime() + ms)
      await subject.store.transition(key, ['executing'], 'executing', { dueAt })
    }
    await begun(subject.store)
    expect(await subject.other.listDue(subject.pass(2999), 10)).toEqual([second.id, third.id])
    const due = await subject.other.listDue(subject.pass(1), 10)
    expect(due).toEqual([second.id, third.id, first.id])
    expect(await subject.other.listDue(subject.now(), 2)).toEqual([second.id, third.id])
    expect((await subject.store.claimDue(subject.now(), LEASE_MS, 10)).map(({ id }) => id).sort()).toEqual(due.sort())
    expect(await subject.other.listDue(subject.now(), 10)).toEqual([])
    await subject.store.releaseClaims([third.key])
    expect(await subject.other.listDue(subject.now(), 10)).toEqual([third.id])
  })
}
