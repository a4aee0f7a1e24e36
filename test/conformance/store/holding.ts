import { expect, test } from 'vitest'
import { archived, begun, executing, input, LEASE_MS, type Subject, together, unsigned } from './subject.ts'

/** `claimClient` and `releaseClientClaim`. */
export function holding(subject: Subject): void {
  async function leaving() {
    const analysis = await executing(subject.store)
    await subject.store.transition(analysis.key, ['executing'], 'stopping', { removal: { archive: false } })
    return analysis
  }

  test('the client of an id is held by one at a time, be it for the same removal', async () => {
    const first = await leaving()
    await subject.store.archive(first.key, 'node', unsigned)
    const second = await begun(subject.store, { id: first.id })
    await subject.store.transition(second.key, ['starting'], 'stopping', { removal: { archive: false } })
    const hold = ({ key }: typeof first) => subject.store.claimClient(key, first.id, subject.now(), LEASE_MS)
    const outcomes = await together(subject, 10, (store, index) =>
      store.claimClient(index % 2 ? first.key : second.key, first.id, subject.now(), LEASE_MS),
    )
    expect(outcomes.filter((outcome) => outcome === 'held')).toHaveLength(1)
    expect(outcomes.filter((outcome) => outcome === 'busy')).toHaveLength(9)
    subject.pass(LEASE_MS)
    expect([await hold(first), await hold(second), await hold(first)]).toEqual(['held', 'busy', 'busy'])
    await subject.store.releaseClientClaim(first.key, 'left')
    expect(await hold(second)).toBe('held')
  })

  test('while it is held `begin` is busy, until it is released or the lease ends', async () => {
    const { key, id } = await leaving()
    await subject.store.markLogsTaken(key)
    await subject.store.archive(key, 'node', unsigned)
    await subject.store.claimClient(key, id, subject.now(), LEASE_MS)
    expect(await subject.other.begin(input({ id }))).toEqual({ kind: 'busy' })
    await subject.store.releaseClientClaim(key, 'left')
    const next = await begun(subject.other, { id })
    await archived(subject.store, next)
    await subject.store.claimClient(key, id, subject.now(), LEASE_MS)
    expect(await subject.other.begin(input({ id }))).toEqual({ kind: 'busy' })
    subject.pass(LEASE_MS)
    expect(await subject.other.begin(input({ id }))).toMatchObject({ kind: 'begun' })
  })

  test('the client of a live incarnation is not to be had', async () => {
    const { key, id } = await leaving()
    await subject.store.archive(key, 'node', unsigned)
    await begun(subject.store, { id })
    expect(await subject.other.claimClient(key, id, subject.now(), LEASE_MS)).toBe('needed')
  })

  test('of `begin` and `holdClient` at the same time never both succeed', async () => {
    const all = await Promise.all(Array.from({ length: 12 }, leaving))
    for (const { key } of all) {
      await subject.store.archive(key, 'node', unsigned)
      await subject.store.markRootRemoved(key)
    }
    const outcomes = await Promise.all(
      all.map(async ({ key, id }) => {
        const [held, result] = await Promise.all([
          subject.store.claimClient(key, id, subject.now(), LEASE_MS),
          subject.other.begin(input({ id })),
        ])
        return `${held} ${result.kind}`
      }),
    )
    expect(outcomes.filter((outcome) => outcome !== 'held busy' && outcome !== 'needed begun')).toEqual([])
  })
}
