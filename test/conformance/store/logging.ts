import { expect, test } from 'vitest'
import type { AnalysisKey, RunNumber } from '../../../shared/po/model.ts'
import {
  append,
  archived,
  begun,
  drain,
  ended,
  executing,
  line,
  newId,
  noReports,
  note,
  type Subject,
  together,
} from './subject.ts'

/** `appendLine`: in order, under its run, and progress only rises. */
export function logging(subject: Subject): void {
  const linesOf = (key: AnalysisKey, run = 1) => subject.store.lines(key, run as RunNumber, undefined)

  test('a line of an unknown id is no line', async () => {
    const asked: unknown[] = []
    const reports = (...args: unknown[]) => {
      asked.push(args)
      return []
    }
    expect(await append(subject.store, newId(), null, line(), reports)).toBeUndefined()
    expect(asked).toEqual([])
  })

  test('lines are kept in order, with time, run and what their writer claimed', async () => {
    const analysis = await executing(subject.store)
    await append(subject.store, analysis.id, null, line({ message: 'one', progress: 10 }), noReports)
    const at = subject.pass(10)
    await append(subject.other, analysis.id, null, line({ message: 'two\0', level: 'warn', progress: 700 }), noReports)
    await archived(subject.store, analysis)
    expect(await linesOf(analysis.key)).toMatchObject([
      { message: 'one', progress: 10 },
      { at, level: 'warn', status: 'executing', progress: 700, message: 'two\uFFFD' },
    ])
  })

  test.each([
    ['rises', 40, 41, 41, true],
    ['reaches 100', 40, 100, 100, true],
    ['does not fall', 40, 39, 40, false],
    ['does not rise by the same', 40, 40, 40, false],
    ['ignores what is above 100', 40, 101, 40, false],
    ['ignores what is below 0', 0, -1, 0, false],
    ['ignores what no column could hold', 40, 2 ** 40, 40, false],
  ])('progress %s', async (_, from, claimed, then, rose) => {
    const { id } = await executing(subject.store, { progress: from })
    const heard: unknown[] = []
    const after = await append(subject.store, id, 1 as RunNumber, line({ progress: claimed }), (analysis, ...facts) => {
      heard.push([analysis.progress, ...facts])
      return []
    })
    expect(after?.progress).toBe(then)
    expect((await subject.other.find(id))?.progress).toBe(then)
    expect(heard).toEqual([[then, true, rose]])
  })

  test('a line of a former run is kept under that run and raises nothing', async () => {
    const analysis = await executing(subject.store)
    await subject.store.transition(analysis.key, ['executing'], 'executing', { nextRun: true })
    const heard: boolean[][] = []
    await append(subject.store, analysis.id, 1 as RunNumber, line({ progress: 90 }), (_, ...facts) => {
      heard.push(facts)
      return []
    })
    expect(heard).toEqual([[false, false]])
    expect(await subject.store.find(analysis.id)).toMatchObject({ progress: 0, run: 2 })
    await append(subject.store, analysis.id, null, line({ message: 'of the current run' }), noReports)
    await archived(subject.store, analysis)
    for (const run of [1, 2]) expect(await linesOf(analysis.key, run)).toHaveLength(1)
  })

  test('a line of an ended analysis that still answers is kept', async () => {
    const analysis = await ended(subject.store, await executing(subject.store))
    expect(await append(subject.store, analysis.id, null, line(), noReports)).toMatchObject({
      state: 'stopped',
    })
  })

  test('a line of a run that is none of this incarnation is not kept, and reported all the same', async () => {
    const { id, key } = await executing(subject.store)
    expect(await append(subject.store, id, 9 as RunNumber, line(), () => [note('reported')])).toMatchObject({ key })
    expect((await subject.store.texts(key)).runs).toMatchObject([{ run: 1, lines: { count: 0 } }])
    expect(await drain(subject.store, subject.now())).toEqual([note('reported')])
  })

  test('reports follow their lines into the outbox', async () => {
    const { id } = await executing(subject.store)
    await append(subject.store, id, null, line(), () => [note('one'), note('two')])
    await append(subject.store, id, null, line(), () => [note('three')])
    expect(await drain(subject.store, subject.now())).toEqual([note('one'), note('two'), note('three')])
  })

  test('a report that cannot be made takes its line back', async () => {
    const analysis = await executing(subject.store)
    const broken = () => {
      throw new Error('no report')
    }
    await expect(append(subject.store, analysis.id, null, line({ progress: 9 }), broken)).rejects.toThrow()
    expect((await subject.store.find(analysis.id))?.progress).toBe(0)
    await archived(subject.store, analysis)
    expect(await linesOf(analysis.key)).toEqual([])
  })

  test('of 60 lines at the same time none is lost, progress is the highest, reports are in the order of lines', async () => {
    const analysis = await executing(subject.store)
    await together(subject, 60, (store, nth) =>
      append(store, analysis.id, null, line({ message: `line ${nth}`, progress: nth }), () => [note(`line ${nth}`)]),
    )
    expect((await subject.store.find(analysis.id))?.progress).toBe(59)
    const told = (await drain(subject.store, subject.now())).map((report) => report.kind === 'log' && report.message)
    await archived(subject.store, analysis)
    const kept = (await linesOf(analysis.key)).map(({ message }) => message)
    expect(new Set(kept).size).toBe(60)
    expect(told).toEqual(kept)
  })

  test('lines that go with a move are kept before it ends', async () => {
    const analysis = await begun(subject.store)
    const lines = [line({ message: 'ANALYSISSTOPPED: by a user' }), line({ message: 'and more' })]
    await subject.store.transition(analysis.key, ['starting'], 'executing', { lines })
    await archived(subject.store, analysis)
    expect(await linesOf(analysis.key)).toMatchObject(lines)
  })
}
