import { expect, test } from 'vitest'
import type { AnalysisKey, RunNumber } from '../../../shared/po/model.ts'
import { FIRST, log } from './digesting.ts'
import {
  append,
  archived,
  begun,
  ended,
  executing,
  historyOf,
  LOG_BYTES,
  line,
  type Subject,
  unsigned,
} from './subject.ts'

/** Snapshots of logs, history, and retention of the archive. */
export function remembering(subject: Subject): void {
  test('the last snapshot of a container wins', async () => {
    const { id, key } = await executing(subject.store)
    const first = [log({ text: 'early'.repeat(100_000) }), log({ kind: 'nginx', container: 'nginx-1' })]
    await subject.store.saveSnapshots(key, first, LOG_BYTES)
    await subject.other.saveSnapshots(key, [log({ text: 'late\0' })], LOG_BYTES)
    await subject.store.transition(key, ['executing'], 'executed')
    await subject.store.archive(key, 'node', unsigned)
    expect(await historyOf(subject.store, id)).toEqual({
      analysis: { [id]: ['late\uFFFD'] },
      nginx: { [id]: ['said by the container'] },
    })
  })

  test('logs beyond the limit of an analysis go, of the earliest run first, and are counted', async () => {
    const { id, key } = await executing(subject.store)
    const size = 1000
    for (const run of [1, 2, 3] as RunNumber[]) {
      if (run > 1) await subject.store.transition(key, ['executing'], 'executing', { nextRun: true })
      await subject.store.saveSnapshots(key, [log({ run, text: String(run).repeat(size), leftOut: 5 })], 2 * size)
    }
    await subject.store.transition(key, ['executing'], 'failed')
    expect(await historyOf(subject.store, id)).toMatchObject({
      analysis: {
        [id]: [
          'POLOG: 1005 bytes of this log left out\n',
          `POLOG: 5 bytes of this log left out\n${'2'.repeat(size)}`,
          `POLOG: 5 bytes of this log left out\n${'3'.repeat(size)}`,
        ],
      },
    })
  })

  test('evidence of a fault stays with the incarnation until the next one, over restarts', async () => {
    const { key, id, run } = await executing(subject.store)
    const evidence = {
      run,
      fault: 'exit',
      at: '2026-11-29T04:00:00.000Z',
      cause: 'its process ended with exit code 1',
      exitCode: 1,
      lastLines: ['Traceback', 'ValueError: \0 is no number'],
      memoryLimit: '8Gi',
    } as const
    await subject.store.transition(key, ['executing'], 'restarting', { evidence })
    const stored = { ...evidence, lastLines: ['Traceback', 'ValueError: \uFFFD is no number'] }
    expect((await subject.other.find(id))?.lastFault).toEqual(stored)
    await subject.store.transition(key, ['restarting'], 'starting', { nextRun: true })
    expect((await subject.other.find(id))?.lastFault).toEqual(stored)
  })

  test('snapshots of an incarnation that is gone are dropped', async () => {
    const analysis = await executing(subject.store)
    await archived(subject.store, analysis)
    await subject.store.saveSnapshots(analysis.key, [log({})], LOG_BYTES)
    expect(await historyOf(subject.store)).toEqual({ analysis: {}, nginx: {} })
  })

  test('history has the container logs of each run, and streamed lines where there are none', async () => {
    const spelling = 'As Spelled'
    const analysis = await executing(subject.store, { spelling })
    await append(subject.store, analysis.id, null, line({ message: 'streamed by one' }))
    await append(subject.store, analysis.id, null, line({ message: 'and more' }))
    await subject.store.transition(analysis.key, ['executing'], 'executing', { nextRun: true })
    await append(subject.store, analysis.id, null, line({ message: 'streamed by two' }))
    const snapshots = [
      log({ run: 2 as RunNumber, text: 'printed by two' }),
      log({ run: FIRST, kind: 'nginx', container: 'nginx-1', text: 'GET /' }),
    ]
    await subject.store.saveSnapshots(analysis.key, snapshots, LOG_BYTES)
    expect(await historyOf(subject.store)).toEqual({ analysis: {}, nginx: {} })
    await ended(subject.store, analysis)
    const texts = {
      analysis: { [spelling]: [expect.stringMatching(/info streamed by one\n\S+ info and more$/), 'printed by two'] },
      nginx: { [spelling]: ['GET /'] },
    }
    expect(await historyOf(subject.store)).toEqual(texts)
    await subject.store.archive(analysis.key, 'node', unsigned)
    expect(await historyOf(subject.other, analysis.id, spelling)).toEqual(texts)
  })

  test('history is oldest first over archived and ended ones, in pages, and of one id alone on demand', async () => {
    const first = await begun(subject.store)
    const second = await begun(subject.store)
    for (const { id, key } of [first, second])
      await subject.store.saveSnapshots(key, [log({ text: `first of ${id}` })], LOG_BYTES)
    await ended(subject.store, first)
    await archived(subject.store, second)
    const third = await begun(subject.store, { id: second.id })
    await subject.store.saveSnapshots(third.key, [log({ run: third.run, text: 'third' })], LOG_BYTES)
    await ended(subject.store, third)
    const all = [
      [first.id, [`first of ${first.id}`]],
      [second.id, [`first of ${second.id}`, 'third']],
    ]
    expect(Object.entries((await historyOf(subject.store)).analysis)).toEqual(all)
    expect(Object.entries((await historyOf(subject.store, second.id)).analysis)).toEqual(all.slice(1))
    const pages: AnalysisKey[][] = []
    for (let page = await subject.store.ended(undefined, 2); page.length > 0; ) {
      pages.push(page.map(({ key }) => key))
      page = await subject.store.ended(page.at(-1), 2)
    }
    expect(pages).toEqual([[first.key, second.key], [third.key]])
    const entry = await subject.store.archiveEntries(undefined, 1)
    expect(await subject.store.archiveEntries(entry[0]?.key, 1)).toEqual([])
  })

  const DAY_MS = 24 * 60 * 60 * 1000

  test.each([
    ['without limits all stay', { maxAgeDays: 0, maxMiB: 0 }, ['a', 'b', 'c']],
    ['what is older than the age goes', { maxAgeDays: 2, maxMiB: 0 }, ['b', 'c']],
    ['above the size the oldest go', { maxAgeDays: 0, maxMiB: 3 }, ['b', 'c']],
    ['what alone is above the size goes, too', { maxAgeDays: 0, maxMiB: 1 }, []],
    ['the stricter limit counts', { maxAgeDays: 1, maxMiB: 10 }, ['c']],
  ])('of the archive, %s', async (_, limits, stay) => {
    const keys: AnalysisKey[] = []
    for (const spelling of ['a', 'b', 'c']) {
      const analysis = await begun(subject.store, { spelling })
      const text = spelling.repeat(1.2 * 1024 * 1024)
      await subject.store.saveSnapshots(analysis.key, [log({ text })], LOG_BYTES)
      await archived(subject.store, analysis)
      keys.push(analysis.key)
      subject.pass(DAY_MS)
    }
    expect(await subject.store.pruneArchive(limits)).toBe(3 - stay.length)
    expect(Object.keys((await historyOf(subject.store)).analysis)).toEqual(stay)
    const left = await Promise.all(keys.map(async (key) => (await subject.store.texts(key)).logs.length))
    expect(left.filter((count) => count > 0)).toHaveLength(stay.length)
  })
}
