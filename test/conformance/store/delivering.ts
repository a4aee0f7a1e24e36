import { expect, test } from 'vitest'
import type { AnalysisId } from '../../../shared/po/model.ts'
import type { PoStore } from '../../../shared/po/ports/store.ts'
import {
  begun,
  executing,
  input,
  LEASE_MS,
  moved,
  newId,
  type Subject,
  together,
  toldChanges,
  unsigned,
} from './subject.ts'
import { short, stop } from './telling.ts'

/** `claimChanges`, `settleChange` and `postponeChanges`. */
export function delivering(subject: Subject): void {
  const claim = (limit = 100) => subject.store.claimChanges(subject.now(), LEASE_MS, limit)

  const told = async () => (await toldChanges(subject.other, subject.now())).map(short)

  test('only the oldest of each analysis is handed out, to one', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => executing(subject.store)))
    const shares = await together(subject, 6, (store) => store.claimChanges(subject.now(), LEASE_MS, 3))
    const claimed = [...shares.flat(), ...(await claim())]
    expect(claimed.map(({ change }) => change.id).sort()).toEqual(all.map(({ id }) => id).sort())
    expect(claimed.every(({ change, attempts }) => change.to === 'starting' && attempts === 0)).toBe(true)
    expect(shares.every((share) => share.length <= 3)).toBe(true)
  })

  test('of 20 that claim one change one gets it', async () => {
    await executing(subject.store)
    const claims = await together(subject, 20, (store) => store.claimChanges(subject.now(), LEASE_MS, 5))
    expect(claims.flat().map(({ change }) => short(change))).toEqual(['1 starting'])
  })

  test('a claim that was not settled ends with its lease', async () => {
    await executing(subject.store)
    const [first] = await claim()
    const counts = { attempts: 0, unfinished: 1 }
    expect(first).toEqual({ seq: expect.any(String), change: expect.objectContaining({ to: 'starting' }), ...counts })
    subject.pass(LEASE_MS - 1)
    expect(await claim()).toEqual([])
    subject.pass(1)
    expect(await claim()).toEqual([{ ...first, unfinished: 2 }])
    subject.pass(2 * LEASE_MS - 1)
    expect(await claim()).toEqual([])
    subject.pass(1)
    expect(await claim()).toEqual([{ ...first, unfinished: 3 }])
  })

  test('all changes of a postponed analysis wait, later ones too, and those of others do not', async () => {
    const one = await begun(subject.store)
    await claim()
    const dueAt = new Date(subject.now().getTime() + 5000)
    await subject.store.postponeChanges(one.id, dueAt)
    await subject.store.transition(one.key, ['starting'], 'failed')
    const two = await begun(subject.store)
    subject.pass(4999)
    expect((await toldChanges(subject.store, subject.now())).map(({ id }) => id)).toEqual([two.id])
    subject.pass(1)
    const [head] = await claim()
    expect(head).toMatchObject({ attempts: 1, change: { id: one.id, to: 'starting' } })
    await subject.store.settleChange(head?.seq ?? '')
    await subject.store.settleChange(head?.seq ?? '')
    expect(await told()).toEqual(['1 failed'])
  })

  test('where nobody is to be told all are forgotten, and later ones are kept again', async () => {
    const { key } = await executing(subject.store)
    await executing(subject.store)
    await together(subject, 10, (store) => store.dropChanges())
    expect(await told()).toEqual([])
    await subject.store.transition(key, ['executing'], 'failed')
    expect(await told()).toEqual(['1 failed'])
  })

  test('of 20 moves, begins, abandonments or archivings at the same time one is told', async () => {
    const id = newId()
    await together(subject, 20, (store) => store.begin(input({ id })))
    const { key } = moved(await subject.store.find(id))
    await together(subject, 20, (store) => store.transition(key, ['starting'], 'stopping', stop))
    await together(subject, 20, (store) => store.archive(key, 'node', unsigned))
    const next = await begun(subject.store, { id })
    await together(subject, 20, (store) => store.abandon(next.key))
    expect(await told()).toEqual(['1 starting', '1 stopping', '1 stopped', '2 starting', '2 withdrawn'])
  })

  /** What the use cases do with an id, in no order. */
  async function somethingWith(store: PoStore, id: AnalysisId, nth: number): Promise<unknown> {
    const present = await store.find(id)
    if (!present) {
      const result = await store.begin(input({ id }))
      return result.kind === 'unreleased' ? store.markRootRemoved(result.removal.key) : result
    }
    const { key, state } = present
    const steps = [
      () => store.transition(key, ['starting'], 'executing'),
      () => store.transition(key, ['executing'], 'restarting'),
      () => store.transition(key, ['restarting'], 'starting', { nextRun: true }),
      () => store.transition(key, ['starting', 'executing', 'restarting'], 'stopping', { removal: { archive: true } }),
      () => (state === 'stopping' ? store.archive(key, 'node', unsigned) : store.abandon(key)),
      () => (nth % 30 === 0 ? store.reset() : store.begin(input({ id }))),
    ]
    return steps[nth % steps.length]?.()
  }

  test('beside everything else none is told twice, none is missed, and the last one is how it is', async () => {
    const ids = Array.from({ length: 4 }, newId)
    for (let round = 0; round < 4; round += 1) {
      await together(subject, 60, (store, nth) => somethingWith(store, ids[nth % 4] ?? newId(), nth + round))
    }
    const changes = await toldChanges(subject.other, subject.now())
    for (const id of ids) {
      const own = changes.filter((change) => change.id === id)
      const runs = own.map(({ run }) => run)
      expect(new Set(own.map(short)).size).toBe(own.length)
      expect(runs).toEqual([...runs].sort((a, b) => a - b))
      const present = await subject.store.find(id)
      const last = own.at(-1)
      if (present) expect([last?.run, last?.to]).toEqual([present.run, present.state])
      else expect(['stopped', 'withdrawn']).toContain(last?.to)
    }
  })
}
