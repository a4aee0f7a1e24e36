import { expect, test } from 'vitest'
import { PHASES } from '../../../shared/dt/model.ts'
import { idsOf, inPhase, LEASE_MS, launched, newId, type Subject, together } from './subject.ts'

/** `claim`, `releaseClaims`. */
export function claiming(subject: Subject): void {
  const many = (count: number) => Promise.all(Array.from({ length: count }, () => launched(subject)))
  const claim = (ids: Parameters<Subject['store']['claim']>[0], store = subject.store) =>
    store.claim(ids, subject.now(), LEASE_MS)

  test('two claimers never get the same service, and together they get all', async () => {
    const ids = idsOf(await many(40))
    const shares = await together(subject, 10, (store, nth) =>
      // Each process may claim in another order.
      claim(nth % 3 === 0 ? ids.toReversed() : ids, store),
    )
    const claimed = [...shares.flat(), ...(await claim(ids))]
    expect(idsOf(claimed).toSorted()).toEqual(ids.toSorted())
    const until = subject.now().getTime() + LEASE_MS
    expect(claimed.every(({ claimedUntil }) => claimedUntil?.getTime() === until)).toBe(true)
  })

  test('claims and moves of the same services at once wait for nobody for ever', async () => {
    const ids = idsOf(await many(10))
    await together(subject, 40, async (store, nth) => {
      const id = ids[nth % ids.length] ?? newId()
      if (nth % 4 === 0) await claim(ids, store)
      else if (nth % 4 === 1) await store.releaseClaims(ids.toReversed())
      else await store.move(id, PHASES, nth % 4 === 2 ? 'running' : 'queued')
    })
    await subject.store.releaseClaims(ids)
    expect(await claim(ids)).toHaveLength(ids.length)
  })

  test('those that were asked for, and no other', async () => {
    const [one, other] = idsOf(await many(2))
    expect(idsOf(await claim([one ?? newId(), newId()]))).toEqual([one])
    expect(idsOf(await claim([other ?? newId()], subject.other))).toEqual([other])
    expect(await claim([])).toEqual([])
  })

  test('as they are now, not as they were when they were listed', async () => {
    const { id } = await launched(subject)
    await subject.other.move(id, ['pending'], 'running', { reason: 'news' })
    expect(await claim([id])).toMatchObject([{ id, phase: 'running', reason: 'news' }])
  })

  test('a claim ends with its lease, or when it is given up', async () => {
    const [first, second] = idsOf(await many(2)) as [ReturnType<typeof newId>, ReturnType<typeof newId>]
    await claim([first, second])
    subject.pass(LEASE_MS - 1)
    expect(await claim([first, second], subject.other)).toEqual([])
    await subject.store.releaseClaims([first])
    expect(idsOf(await subject.other.claim([first, second], subject.now(), 10 * LEASE_MS))).toEqual([first])
    subject.pass(1)
    expect(idsOf(await claim([first, second], subject.other))).toEqual([second])
    await subject.store.releaseClaims([])
    await subject.store.releaseClaims([newId()])
  })

  test('attempts count from the claim on, and wait longer each time, until one ends well', async () => {
    const { id } = await launched(subject)
    const attempts = async () => (await claim([id])).map((claimed) => claimed.attempts)
    expect(await attempts()).toEqual([1])
    // Its process died, so its lease has to expire.
    subject.pass(LEASE_MS)
    expect(await attempts()).toEqual([2])
    await subject.store.releaseFailedClaims([id])
    subject.pass(2 * LEASE_MS - 1)
    expect(await attempts()).toEqual([])
    subject.pass(1)
    expect(await attempts()).toEqual([3])
    for (const minutes of [4, 8, 15, 15]) {
      await subject.store.releaseFailedClaims([id])
      subject.pass(minutes * 60_000 - 1)
      expect(await attempts()).toEqual([])
      subject.pass(1)
      expect(await attempts()).toHaveLength(1)
    }
    expect((await subject.store.unfinished(subject.now())).map((service) => service.attempts)).toEqual([7])
    await subject.store.releaseClaims([id])
    expect(await attempts()).toEqual([1])
  })

  test('a launch is not claimed before its lease ends', async () => {
    const { id } = await inPhase(subject, 'launching')
    expect(await claim([id])).toEqual([])
    subject.pass(LEASE_MS)
    expect(idsOf(await claim([id]))).toEqual([id])
  })

  test.each(PHASES.filter((phase) => phase !== 'launching'))('one that is %s can be claimed', async (phase) => {
    const { id } = await inPhase(subject, phase)
    expect(await claim([id])).toMatchObject([{ id, phase }])
  })
}
