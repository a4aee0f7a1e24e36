import { expect, test } from 'vitest'
import type { AnalysisId, Report } from '../../../shared/po/model.ts'
import { drain, LEASE_MS, newId, note, type Subject, together } from './subject.ts'

/** Reports as text: a letter is a log line, a digit a status, `(3)` the line that replaces three. */
export const reports = (text: string): Report[] =>
  [...text].map((sign) =>
    /[0-9]/.test(sign) ? { kind: 'status', status: 'executing', progress: Number(sign) } : note(sign),
  )

export const LEFT_OUT = /^POBACKLOG: (\d+) log lines? left out/

export const leftOut = (report: Report): number =>
  Number(report.kind === 'log' ? (LEFT_OUT.exec(report.message)?.[1] ?? 0) : 0)

export function textOf(report: Report): string {
  if (report.kind === 'status') return String(report.progress)
  return leftOut(report) > 0 ? `(${leftOut(report)})` : report.message
}

/** The outbox while the Hub does not answer: bounded, and due at once when it answers again. */
export function capping(subject: Subject): void {
  const append = (id: AnalysisId, text: string) => subject.store.appendReports(id, reports(text))

  const rest = async (id?: AnalysisId) => (await drain(subject.other, subject.now(), id)).map(textOf).join('')

  test.each([
    ['nothing that waits is nothing', 3, '', ''],
    ['as many as may wait stay', 3, 'abc', 'abc'],
    ['of one more the oldest goes', 3, 'abcd', '(1)bcd'],
    ['of many the newest stay', 2, 'abcdefghij', '(8)ij'],
    ['one line may stay', 1, 'abc', '(2)c'],
    ['statuses stay, and do not count', 2, '123456ab', '123456ab'],
    ['earlier statuses stay before the line in their place', 1, '12ab3c', '12(2)3c'],
    ['later statuses stay behind it', 2, 'a1b2c3d4e', '(3)123d4e'],
  ])('%s', async (_, limit, given, stays) => {
    const id = newId()
    await append(id, given)
    const went = [...given].filter((sign) => !stays.includes(sign)).length
    expect(await subject.store.capReports(limit)).toBe(went)
    expect(await subject.other.capReports(limit)).toBe(0)
    expect(await rest(id)).toBe(stays)
  })

  test('the line in their place is a warning without a status', async () => {
    await append(newId(), 'abc')
    await subject.store.capReports(1)
    const [report] = await drain(subject.store, subject.now())
    expect(report).toEqual({ kind: 'log', level: 'warn', message: expect.stringMatching(LEFT_OUT), status: null })
  })

  test('later ones count with the earlier ones, in the same place', async () => {
    const id = newId()
    await append(id, '1abc2d')
    expect(await subject.store.capReports(2)).toBe(2)
    await append(id, 'ef3')
    expect(await subject.other.capReports(2)).toBe(2)
    expect(await subject.store.capReports(5)).toBe(0)
    await append(id, 'g')
    expect(await subject.store.capReports(2)).toBe(1)
    expect(await rest(id)).toBe('1(5)2f3g')
  })

  test('each analysis has a limit of its own', async () => {
    const [one, two, three] = [newId(), newId(), newId()]
    await append(one, 'abcd')
    await append(two, 'ab')
    await append(three, 'a1bcdef')
    expect(await subject.store.capReports(3)).toBe(4)
    expect([await rest(one), await rest(two), await rest(three)]).toEqual(['(1)bcd', 'ab', '(3)1def'])
  })

  test('of 20 at the same time each line goes once, and one line says how many', async () => {
    const ids = Array.from({ length: 5 }, newId)
    for (const id of ids) await append(id, 'abcdefghij')
    const gone = await together(subject, 20, (store) => store.capReports(4))
    expect(gone.reduce((sum, count) => sum + count, 0)).toBe(30)
    for (const id of ids) expect(await rest(id)).toBe('(6)ghij')
  })

  test('beside lines that come and go each is delivered in order or counted', async () => {
    const ids = [newId(), newId(), newId()]
    const delivered: (readonly [AnalysisId, Report])[] = []
    const counts: number[] = []
    const repeat = async (times: number, work: (nth: number) => Promise<unknown>) => {
      for (let nth = 0; nth < times; nth += 1) await work(nth)
    }
    const write = (id: AnalysisId) =>
      repeat(30, (nth) =>
        subject.store.appendReports(
          id,
          [0, 1, 2, 3].map((part) => note(`${nth * 4 + part}`)),
        ),
      )
    const cap = () => repeat(30, async () => counts.push(await subject.other.capReports(5)))
    const deliver = () =>
      repeat(20, async () => {
        for (const { seq, id, report } of await subject.other.claimReports(subject.now(), LEASE_MS, 10)) {
          delivered.push([id, report])
          await subject.store.settleReport(seq)
        }
      })
    await Promise.all([...ids.map(write), cap(), cap(), deliver(), deliver()])
    for (const id of ids) {
      const all = [...delivered.filter(([own]) => own === id).map(([, report]) => report)]
      all.push(...(await drain(subject.store, subject.now(), id)))
      const lines = all.filter((report) => leftOut(report) === 0).map((report) => Number(textOf(report)))
      const said = all.reduce((sum, report) => sum + leftOut(report), 0)
      expect(lines).toEqual([...lines].sort((a, b) => a - b))
      expect(lines.length + said).toBe(120)
      counts.push(-said)
    }
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(0)
  })

  test('the look at 100,000 lines of 200 analyses of which none has to go is quick', async () => {
    const text = 'abcdefghij'.repeat(50)
    await together(subject, 8, async (store, nth) => {
      for (let count = 0; count < 25; count += 1) await store.appendReports(newId(), reports(`${text}${nth}`))
    })
    const times: number[] = []
    for (let nth = 0; nth < 3; nth += 1) {
      const began = performance.now()
      expect(await subject.store.capReports(500)).toBe(0)
      times.push(performance.now() - began)
    }
    expect(Math.min(...times)).toBeLessThan(500)
  })
}
