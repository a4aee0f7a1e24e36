import { expect, test } from 'vitest'
import { PHASES, type Phase } from '../../../shared/dt/model.ts'
import { idsOf, inPhase, isEndedPhase, LEASE_MS, launched, newId, type Subject } from './subject.ts'

/** `unfinished`, `findMany` and `find`. */
export function finding(subject: Subject): void {
  test.each(PHASES)('unfinished: whether one that is %s is', async (phase: Phase) => {
    const { id } = await inPhase(subject, phase)
    const isThere = async () => idsOf(await subject.other.unfinished(subject.now())).includes(id)
    expect(await isThere()).toBe(!isEndedPhase(phase) && phase !== 'launching')
    subject.pass(LEASE_MS - 1)
    if (phase === 'launching') expect(await isThere()).toBe(false)
    subject.pass(1)
    if (phase === 'launching') expect(await isThere()).toBe(true)
  })

  test('unfinished: oldest first, as they are', async () => {
    const ids = []
    for (let nth = 0; nth < 5; nth += 1) {
      ids.push((await launched(subject)).id)
      subject.pass(10)
    }
    await subject.store.move(ids[2] ?? newId(), ['pending'], 'removing')
    expect(idsOf(await subject.store.unfinished(subject.now()))).toEqual(ids)
    const [first] = await subject.store.unfinished(subject.now())
    expect(first).toEqual(await subject.store.find(first?.id ?? newId()))
  })

  test('findMany: those that there are, in whatever phase', async () => {
    const services = await Promise.all(PHASES.map((phase) => inPhase(subject, phase)))
    const found = await subject.other.findMany([...idsOf(services), newId()])
    expect(idsOf(found).toSorted()).toEqual(idsOf(services).toSorted())
    expect(found).toContainEqual(services[0])
    expect(await subject.store.findMany([])).toEqual([])
  })

  test('find: undefined for one that is not there', async () => {
    expect(await subject.store.find(newId())).toBeUndefined()
  })
}
