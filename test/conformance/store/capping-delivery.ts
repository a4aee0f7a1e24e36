import { expect, test } from 'vitest'
import type { AnalysisId } from '../../../shared/po/model.ts'
import { reports, textOf } from './capping.ts'
import { drain, LEASE_MS, newId, type Subject, together } from './subject.ts'

/** Reports that are capped while some are delivered or postponed. */
export function cappingDelivery(subject: Subject): void {
  const append = (id: AnalysisId, text: string) => subject.store.appendReports(id, reports(text))

  const rest = async (id?: AnalysisId) => (await drain(subject.other, subject.now(), id)).map(textOf).join('')

  const claim = () => subject.store.claimReports(subject.now(), LEASE_MS, 100)

  const later = (ms: number) => new Date(subject.now().getTime() + ms)

  test('one that is being delivered is not touched; when that fails it goes with the next', async () => {
    const id = newId()
    await append(id, 'abcdef')
    const [first] = await claim()
    expect(await subject.store.capReports(2)).toBe(3)
    await subject.store.settleReport(first?.seq ?? '')
    expect(await rest(id)).toBe('(3)ef')
    await append(id, 'ghijk')
    await claim()
    expect(await subject.store.capReports(2)).toBe(2)
    subject.pass(LEASE_MS)
    await append(id, 'l')
    expect(await subject.store.capReports(2)).toBe(2)
    expect(await rest(id)).toBe('(4)kl')
  })

  test('one whose delivery failed goes with those that went after it', async () => {
    const id = newId()
    await append(id, 'abc1def')
    await claim()
    expect(await subject.store.capReports(2)).toBe(3)
    await subject.store.postponeReports(id, subject.now())
    expect(await subject.store.capReports(2)).toBe(1)
    expect(await rest(id)).toBe('(4)1ef')
  })

  test('a count that is being delivered stays as it is; later ones are counted anew', async () => {
    const id = newId()
    await append(id, 'abcd')
    await subject.store.capReports(2)
    const [gap] = await claim()
    await append(id, 'ef')
    expect(await subject.store.capReports(2)).toBe(2)
    expect(gap && textOf(gap.report)).toBe('(2)')
    await subject.store.settleReport(gap?.seq ?? '')
    expect(await rest(id)).toBe('(2)ef')
  })

  test('a count whose delivery failed becomes one with the later one', async () => {
    const id = newId()
    await append(id, 'abcd')
    await subject.store.capReports(2)
    await claim()
    await append(id, 'ef')
    expect(await subject.store.capReports(2)).toBe(2)
    await subject.store.postponeReports(id, subject.now())
    expect(await subject.store.capReports(2)).toBe(0)
    expect(await rest(id)).toBe('(4)ef')
  })

  test('what is put in the place of a postponed line waits as it did', async () => {
    const id = newId()
    await append(id, 'abc')
    await claim()
    await subject.store.postponeReports(id, later(5000))
    expect(await subject.store.capReports(1)).toBe(2)
    subject.pass(4999)
    expect(await claim()).toEqual([])
    subject.pass(1)
    const [head] = await claim()
    expect(head?.attempts).toBe(1)
    expect(head && textOf(head.report)).toBe('(2)')
  })

  test('what waits after failed attempts can be made due, and keeps its attempts', async () => {
    const [one, two] = [newId(), newId()]
    await append(one, 'ab')
    await append(two, '1c')
    await claim()
    await subject.store.postponeReports(one, later(5000))
    await subject.store.postponeReports(two, later(60_000))
    expect(await claim()).toEqual([])
    await subject.other.retryReportsNow(subject.now())
    expect((await claim()).map(({ id, attempts }) => [id, attempts])).toEqual(
      expect.arrayContaining([
        [one, 1],
        [two, 1],
      ]),
    )
  })

  test('one that is being delivered is not handed out a second time because others are made due', async () => {
    await append(newId(), 'a')
    expect(await claim()).toHaveLength(1)
    await together(subject, 20, (store) => store.retryReportsNow(subject.now()))
    expect(await claim()).toEqual([])
  })
}
