import { expect, test } from 'vitest'
import type { ChangeKind, ServiceId } from '../../../shared/dt/model.ts'
import { change, idsOf, kindsOf, LEASE_MS, launched, newId, type Subject, together, told } from './subject.ts'

/** Changes: claimed in order per service, by one process at a time, until they are settled. */
export function telling(subject: Subject): void {
  const claim = (limit = 100, id?: ServiceId) => subject.store.claimChanges(subject.now(), LEASE_MS, limit, id)
  const say = (id: ServiceId, ...kinds: readonly ChangeKind[]) =>
    subject.store.recordRuns(id, { runs: [], changes: kinds.map((kind) => change(id, kind, subject.now())) })
  const many = async (count: number) => idsOf(await Promise.all(Array.from({ length: count }, () => launched(subject))))

  test('only the oldest of each service is handed out, to one', async () => {
    const ids = await many(8)
    for (const id of ids) await say(id, 'run.started', 'run.failed')
    const shares = await together(subject, 6, (store) => store.claimChanges(subject.now(), LEASE_MS, 3))
    const claimed = [...shares.flat(), ...(await claim())]
    expect(claimed.map(({ change: { id } }) => id).toSorted()).toEqual(ids.toSorted())
    expect(claimed.every(({ change: { kind }, attempts }) => kind === 'run.started' && attempts === 0)).toBe(true)
    expect(shares.every((share) => share.length <= 3)).toBe(true)
  })

  test('of 20 that claim one change one gets it', async () => {
    const [id = newId()] = await many(1)
    await say(id, 'completed')
    const claims = await together(subject, 20, (store) => store.claimChanges(subject.now(), LEASE_MS, 5))
    expect(kindsOf(claims.flat().map((one) => one.change))).toEqual(['completed'])
  })

  test('the next one comes when the one before is settled, be it settled twice', async () => {
    const [id = newId()] = await many(1)
    await say(id, 'run.started', 'run.succeeded')
    const [first] = await claim()
    expect(await claim()).toEqual([])
    await subject.other.settleChange(first?.seq ?? '')
    await subject.other.settleChange(first?.seq ?? '')
    expect(kindsOf((await claim()).map((one) => one.change))).toEqual(['run.succeeded'])
  })

  test('a claim that was not settled ends with its lease', async () => {
    const [id = newId()] = await many(1)
    await say(id, 'completed')
    const [first] = await claim()
    expect(first).toEqual({
      seq: expect.any(String),
      change: change(id, 'completed', subject.now()),
      attempts: 0,
      unfinished: 1,
    })
    subject.pass(LEASE_MS - 1)
    expect(await claim()).toEqual([])
    subject.pass(1)
    expect(await claim()).toEqual([{ ...first, unfinished: 2 }])
  })

  test('all changes of a postponed service wait, later ones too, and those of others do not', async () => {
    const [one = newId(), two = newId()] = await many(2)
    await say(one, 'run.started', 'output.stored')
    await claim()
    await subject.store.postponeChanges(one, new Date(subject.now().getTime() + 5000))
    await say(one, 'run.failed')
    await say(two, 'completed')
    subject.pass(4999)
    expect((await told(subject.store, subject.now())).map(({ id }) => id)).toEqual([two])
    subject.pass(1)
    const [head] = await claim()
    expect(head).toMatchObject({ attempts: 1, change: { id: one, kind: 'run.started' } })
    await subject.store.settleChange(head?.seq ?? '')
    expect(kindsOf(await told(subject.store, subject.now()))).toEqual(['output.stored', 'run.failed'])
  })

  test('those of one service alone, where it is named', async () => {
    const [one = newId(), two = newId()] = await many(2)
    await say(one, 'completed')
    await say(two, 'completed')
    expect((await claim(100, two)).map((each) => each.change.id)).toEqual([two])
    expect(await claim(100, newId())).toEqual([])
    expect((await claim()).map((each) => each.change.id)).toEqual([one])
  })

  test('where nobody is to be told all are forgotten, and later ones are kept again', async () => {
    const ids = await many(3)
    for (const id of ids) await say(id, 'run.started', 'completed')
    await together(subject, 10, (store) => store.dropChanges())
    expect(await told(subject.other, subject.now())).toEqual([])
    await say(ids[0] ?? newId(), 'completed')
    expect(kindsOf(await told(subject.other, subject.now()))).toEqual(['completed'])
  })

  test('what was to be told of a service is told after it was erased', async () => {
    const [id = newId()] = await many(1)
    await say(id, 'run.failed')
    await subject.store.move(id, ['pending'], 'removing', { changes: [change(id, 'terminated', subject.now())] })
    await subject.store.erase(id, 'delete')
    expect(kindsOf(await told(subject.store, subject.now()))).toEqual(['run.failed', 'terminated'])
  })

  test('while they are told and recorded at once each service is told all, in order, each once', async () => {
    const ids = await many(4)
    const heard: { id: ServiceId; n: unknown }[] = []
    const tell = async (store: Subject['store']) => {
      for (const { seq, change: one } of await store.claimChanges(subject.now(), LEASE_MS, 10)) {
        heard.push({ id: one.id, n: one.detail['n'] })
        await store.settleChange(seq)
      }
    }
    for (let n = 0; n < 10; n += 1)
      await together(subject, 8, (store, nth) => {
        const id = ids[nth] ?? newId()
        const changes = [change(id, 'run.started', subject.now(), { detail: { n } })]
        return nth < ids.length ? store.recordRuns(id, { runs: [], changes }) : tell(store)
      })
    for (let left = 0; left < 50; left += 1) await tell(subject.store)
    for (const id of ids)
      expect(heard.filter((one) => one.id === id).map(({ n }) => n)).toEqual(Array.from({ length: 10 }, (_, n) => n))
  })
}
