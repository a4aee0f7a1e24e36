import { expect, test } from 'vitest'
import type { Report } from '../../../shared/po/model.ts'
import { append, drain, executing, LEASE_MS, newId, note, type Subject, together } from './subject.ts'

/** The outbox: in order per analysis, and analyses concurrently. */
export function reporting(subject: Subject): void {
  const claim = (limit = 100) => subject.store.claimReports(subject.now(), LEASE_MS, limit)

  test('every kind of report comes back as it was given', async () => {
    const reports: Report[] = [
      { kind: 'status', status: 'executing', progress: 40 },
      { kind: 'status', status: 'failed', progress: null },
      { kind: 'log', level: 'warn', message: 'with a status', status: 'failed' },
      { kind: 'log', level: 'emerg', message: 'without', status: null },
    ]
    const id = newId()
    await subject.store.appendReports(id, reports)
    const [first] = await claim()
    expect(first).toEqual({ seq: expect.any(String), id, report: reports[0], attempts: 0, unfinished: 1 })
    await subject.store.settleReport(first?.seq ?? '')
    expect(await drain(subject.store, subject.now())).toEqual(reports.slice(1))
  })

  test('only the oldest of each analysis is handed out, to one', async () => {
    const ids = Array.from({ length: 8 }, newId)
    for (const id of ids) await subject.store.appendReports(id, [note(`first of ${id}`), note(`second of ${id}`)])
    const shares = await together(subject, 6, (store) => store.claimReports(subject.now(), LEASE_MS, 3))
    const claimed = [...shares.flat(), ...(await claim())]
    expect(claimed.map(({ id, report }) => [id, report])).toHaveLength(8)
    expect(new Set(claimed.map(({ id }) => id))).toEqual(new Set(ids))
    expect(claimed.every(({ id, report }) => report.kind === 'log' && report.message === `first of ${id}`)).toBe(true)
    expect(shares.every((share) => share.length <= 3)).toBe(true)
  })

  test('a claim that was not settled ends with its lease', async () => {
    await subject.store.appendReports(newId(), [note('one')])
    expect(await claim()).toHaveLength(1)
    subject.pass(LEASE_MS - 1)
    expect(await claim()).toEqual([])
    subject.pass(1)
    expect(await claim()).toHaveLength(1)
  })

  test('one analysis can be asked for alone', async () => {
    const [one, two] = [newId(), newId()]
    await subject.store.appendReports(one, [note('one')])
    await subject.store.appendReports(two, [note('two')])
    expect(await drain(subject.store, subject.now(), two)).toEqual([note('two')])
    expect(await drain(subject.store, subject.now(), newId())).toEqual([])
    expect(await drain(subject.store, subject.now())).toEqual([note('one')])
  })

  test('all reports of a postponed analysis wait, later ones too, and those of others do not', async () => {
    const [one, two] = [newId(), newId()]
    await subject.store.appendReports(one, [note('a'), note('b')])
    await claim()
    const dueAt = new Date(subject.now().getTime() + 5000)
    await subject.store.postponeReports(one, dueAt)
    await subject.store.appendReports(one, [note('c')])
    await subject.store.appendReports(two, [note('z')])
    subject.pass(4999)
    expect(await drain(subject.store, subject.now())).toEqual([note('z')])
    subject.pass(1)
    const [head] = await claim()
    expect(head).toMatchObject({ id: one, attempts: 1, report: note('a') })
    await subject.store.settleReport(head?.seq ?? '')
    expect(await drain(subject.store, subject.now())).toEqual([note('b'), note('c')])
  })

  test('a report that was settled does not come again', async () => {
    await subject.store.appendReports(newId(), [note('one')])
    const [first] = await claim()
    await subject.store.settleReport(first?.seq ?? '')
    await subject.store.settleReport(first?.seq ?? '')
    subject.pass(LEASE_MS)
    expect(await claim()).toEqual([])
  })

  test('reports of moves and lines stay in the order of their calls', async () => {
    const { id, key } = await executing(subject.store)
    const expected: Report[] = []
    for (let nth = 0; nth < 12; nth += 1) {
      const report = note(`${nth}`)
      expected.push(report)
      const store = nth % 2 === 0 ? subject.store : subject.other
      if (nth % 3 === 0) await store.transition(key, ['executing'], 'executing', { reports: [report] })
      else if (nth % 3 === 1) await store.appendReports(id, [report])
      else await append(store, id, null, { level: 'info', message: 'x', status: '', progress: 0 }, () => [report])
    }
    expect(await drain(subject.store, subject.now())).toEqual(expected)
  })

  test('reports outlive the archiving of their analysis', async () => {
    const { id, key } = await executing(subject.store)
    await subject.store.transition(key, ['executing'], 'executed', { reports: [note('the end')] })
    await subject.store.archive(key, 'node', () => Promise.resolve(null))
    expect(await subject.store.find(id)).toBeUndefined()
    expect(await drain(subject.store, subject.now())).toEqual([note('the end')])
  })
}
