import { expect, test } from 'vitest'
import { begun, executing, keysOf, LEASE_MS, type Subject, together, unsigned } from './subject.ts'

/** Removals: claimed, postponed and completed. */
export function removing(subject: Subject): void {
  async function leaving() {
    const analysis = await executing(subject.store)
    await subject.store.transition(analysis.key, ['executing'], 'stopping', { removal: { archive: false } })
    return analysis
  }

  test('two claimers never get the same removal', async () => {
    const all = await Promise.all(Array.from({ length: 12 }, leaving))
    const shares = await together(subject, 6, (store) => store.claimRemovals(subject.now(), LEASE_MS, 3))
    const rest = await subject.store.claimRemovals(subject.now(), LEASE_MS, 100)
    expect(keysOf([...shares.flat(), ...rest]).sort()).toEqual(keysOf(all).sort())
    const once = await together(subject, 8, (store) =>
      store.claimRemoval(rest[0]?.key ?? all[0]?.key ?? ('' as never), subject.now(), LEASE_MS),
    )
    expect(once.filter((removal) => removal !== undefined)).toEqual([])
  })

  test('of 20 that claim one removal one gets it, and the next one when the lease has ended', async () => {
    const { key } = await leaving()
    const claims = await together(subject, 20, (store) => store.claimRemoval(key, subject.now(), LEASE_MS))
    expect(claims.filter((removal) => removal !== undefined)).toHaveLength(1)
    expect(await subject.store.claimRemoval(key, subject.pass(LEASE_MS), LEASE_MS)).toMatchObject({ key })
  })

  test('a postponed removal is due later, with one attempt more, and can be claimed by its key at once', async () => {
    const { key } = await leaving()
    await subject.store.claimRemovals(subject.now(), LEASE_MS, 10)
    await subject.store.postponeRemoval({ key, archive: false }, new Date(subject.now().getTime() + 5000))
    expect(await subject.store.claimRemovals(subject.pass(4999), LEASE_MS, 10)).toEqual([])
    expect(await subject.store.claimRemoval(key, subject.now(), 1)).toMatchObject({ attempts: 1 })
    await subject.store.postponeRemoval({ key, archive: false }, subject.pass(1))
    expect(await subject.store.claimRemovals(subject.now(), LEASE_MS, 10)).toMatchObject([{ key, attempts: 2 }])
  })

  test('an attempt is counted when it is claimed; those never ended are claimed one at a time, ever later', async () => {
    const all = [await leaving(), await leaving()]
    await subject.store.claimRemovals(subject.now(), LEASE_MS, 10)
    expect(await subject.store.claimSuspectRemoval(subject.pass(LEASE_MS - 1), LEASE_MS)).toBeUndefined()
    subject.pass(1)
    expect(await subject.store.claimRemovals(subject.now(), LEASE_MS, 10)).toEqual([])
    const suspects = await together(subject, 3, (store) => store.claimSuspectRemoval(subject.now(), LEASE_MS))
    const found = suspects.filter((removal) => removal !== undefined)
    expect(keysOf(found).sort()).toEqual(keysOf(all).sort())
    expect(found).toMatchObject([{ unfinished: 2 }, { unfinished: 2 }])
    const [first] = found
    await subject.store.postponeRemoval({ key: first?.key ?? ('' as never), archive: false }, subject.now())
    expect(await subject.store.claimRemovals(subject.now(), LEASE_MS, 10)).toMatchObject([
      { unfinished: 1, attempts: 1 },
    ])
    expect(await subject.store.claimSuspectRemoval(subject.pass(2 * LEASE_MS - 1), LEASE_MS)).toMatchObject({
      key: first?.key,
    })
    expect(await subject.store.claimSuspectRemoval(subject.pass(1), LEASE_MS)).toMatchObject({ unfinished: 3 })
  })

  test('a removal whose archive was wished for meanwhile is not postponed', async () => {
    const { key } = await leaving()
    const removal = await subject.store.claimRemoval(key, subject.now(), LEASE_MS)
    await subject.other.transition(key, ['stopping'], 'stopping', { removal: { archive: true } })
    await subject.store.postponeRemoval(removal ?? { key, archive: true }, new Date(subject.now().getTime() + 5000))
    expect(await subject.other.claimRemovals(subject.now(), LEASE_MS, 10)).toMatchObject([{ key, archive: true }])
  })

  test('a complete removal is gone', async () => {
    const { key } = await leaving()
    expect(await subject.store.pendingRemovals()).toHaveLength(1)
    await subject.store.completeRemoval(key)
    expect(await subject.other.pendingRemovals()).toEqual([])
    expect(await subject.other.claimRemoval(key, subject.now(), LEASE_MS)).toBeUndefined()
  })

  test('a removal is not complete before an archive that was wished for meanwhile', async () => {
    const { key } = await leaving()
    await subject.store.claimRemoval(key, subject.now(), LEASE_MS)
    await subject.other.transition(key, ['stopping'], 'stopping', { removal: { archive: true } })
    await subject.store.completeRemoval(key)
    expect(await subject.other.claimRemovals(subject.now(), LEASE_MS, 10)).toMatchObject([{ key, archive: true }])
    await subject.other.archive(key, 'node', unsigned)
    await subject.other.completeRemoval(key)
    expect(await subject.store.pendingRemovals()).toEqual([])
  })

  test('what was done is remembered', async () => {
    const { key, id } = await leaving()
    await subject.store.markLogsTaken(key)
    expect(await subject.store.claimClient(key, id, subject.now(), LEASE_MS)).toBe('held')
    await subject.store.releaseClientClaim(key, 'removed')
    await subject.store.claimClient(key, id, subject.now(), LEASE_MS)
    await subject.store.releaseClientClaim(key, 'left')
    expect(await subject.other.pendingRemovals()).toMatchObject([{ logsTaken: true, clientRemoved: true }])
  })

  test('ids are known while they have a row or a removal', async () => {
    const [live, left] = [await begun(subject.store), await leaving()]
    await subject.store.archive(left.key, 'node', unsigned)
    expect(await subject.other.knownIds()).toEqual(new Set([live.id, left.id]))
    await subject.store.completeRemoval(left.key)
    expect(await subject.other.knownIds()).toEqual(new Set([live.id]))
  })
}
