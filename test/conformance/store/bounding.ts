import { expect, test } from 'vitest'
import type { AnalysisKey, LineLimits, RunNumber } from '../../../shared/po/model.ts'
import { append, executing, line, noReports, type Subject, together } from './subject.ts'

/** Limits of stored log lines. */
export function bounding(subject: Subject): void {
  const linesOf = (key: AnalysisKey, run = 1) => subject.store.lines(key, run as RunNumber, undefined)

  const few: LineLimits = { runLines: 4, runBytes: 10_000, analysisLines: 6, analysisBytes: 10_000 }

  const oneEach = (count: number) => Array.from({ length: count }, (_, nth) => line({ message: `line ${nth}` }))

  test('of more lines than a run may have, the newest stay and the others are counted', async () => {
    const { id, key } = await executing(subject.store)
    for (const said of oneEach(7)) await append(subject.store, id, null, said, noReports, few)
    expect((await linesOf(key)).map(({ message }) => message)).toEqual(['line 3', 'line 4', 'line 5', 'line 6'])
    const size = 'executingline 0'.length
    const lines = { count: 4, bytes: 4 * size, leftOut: 3, leftOutBytes: 3 * size }
    expect((await subject.other.texts(key)).runs).toEqual([{ run: 1, lines }])
  })

  test('of more bytes than a run may have, the newest stay, be they a line or many', async () => {
    const { id, key } = await executing(subject.store)
    const limits = { ...few, runLines: 1000, analysisLines: 1000, runBytes: 1000 }
    for (const said of oneEach(30)) await append(subject.store, id, null, said, noReports, limits)
    await append(subject.store, id, null, line({ message: 'x'.repeat(900) }), noReports, limits)
    const kept = await linesOf(key)
    expect(kept.at(-1)?.message).toHaveLength(900)
    expect(kept.length).toBeLessThanOrEqual(6)
    const [run] = (await subject.store.texts(key)).runs
    expect(run?.lines.bytes).toBeLessThanOrEqual(1000)
    expect((run?.lines.count ?? 0) + (run?.lines.leftOut ?? 0)).toBe(31)
  })

  test('of more lines than an analysis may have, those of its earliest run go first', async () => {
    const { id, key } = await executing(subject.store)
    for (const run of [1, 2, 3]) {
      if (run > 1) await subject.store.transition(key, ['executing'], 'executing', { nextRun: true })
      for (const said of oneEach(3)) await append(subject.store, id, null, said, noReports, few)
    }
    const counts = (await subject.store.texts(key)).runs.map(({ lines }) => [lines.count, lines.leftOut])
    expect(counts).toEqual([
      [0, 3],
      [3, 0],
      [3, 0],
    ])
  })

  test('many at the same time count each line once', async () => {
    const { id, key } = await executing(subject.store)
    await together(subject, 60, (store, nth) =>
      append(store, id, null, line({ message: `line ${nth}` }), noReports, few),
    )
    const [run] = (await subject.store.texts(key)).runs
    expect([run?.lines.count, run?.lines.leftOut]).toEqual([4, 56])
    expect(await linesOf(key)).toHaveLength(4)
  })

  test('lines are read in pages of a bounded size', async () => {
    const { id, key } = await executing(subject.store)
    for (const nth of [1, 2, 3]) await append(subject.store, id, null, line({ message: String(nth).repeat(200_000) }))
    const first = await linesOf(key)
    const rest = await subject.store.lines(key, 1 as RunNumber, first.at(-1)?.seq)
    expect([...first, ...rest].map(({ message }) => message[0])).toEqual(['1', '2', '3'])
    expect(first.length).toBeLessThanOrEqual(3)
  })
}
