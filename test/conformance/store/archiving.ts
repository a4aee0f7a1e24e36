import { expect, test } from 'vitest'
import { lineItem, listDigest } from '../../../shared/adapters/content-digest.ts'
import type { AnalysisId, AnalysisKey, LogSnapshot, RunNumber } from '../../../shared/po/model.ts'
import type { ArchiveEntry } from '../../../shared/po/ports/archive.ts'
import type { KeptLine, KeptLog } from '../../../shared/po/ports/logs.ts'
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
  together,
  unsigned,
} from './subject.ts'

const FIRST = 1 as RunNumber

const log = (fields: Partial<LogSnapshot>): LogSnapshot => ({
  run: FIRST,
  kind: 'analysis',
  container: 'analysis-1',
  text: 'said by the container',
  leftOut: 0,
  ...fields,
})

/** Container logs, the archive, and `history` of both. */
export function archiving(subject: Subject): void {
  const entries = async (id?: AnalysisId): Promise<ArchiveEntry[]> =>
    (await subject.store.archiveEntries(undefined, 100, id)).map(({ document }) => JSON.parse(document))

  /** The text of a log, read piece by piece. */
  async function textOf(key: AnalysisKey, kept: KeptLog): Promise<string[]> {
    const pieces: string[] = []
    for (let n = 0; ; n += 1) {
      const piece = await subject.other.logPiece(key, kept, n)
      if (piece === undefined) return pieces
      pieces.push(piece)
    }
  }

  async function linesOf(key: AnalysisKey, run: RunNumber): Promise<KeptLine[]> {
    const lines: KeptLine[] = []
    for (let page = await subject.store.lines(key, run, undefined); page.length > 0; ) {
      lines.push(...page)
      page = await subject.other.lines(key, run, page.at(-1)?.seq)
    }
    return lines
  }

  const digest = (items: readonly string[]): string => {
    const list = listDigest()
    for (const item of items) list.add(item)
    return list.end()
  }

  test('an entry says all about the analysis, is signed as it is stored, and its row is gone', async () => {
    const given = await executing(subject.store, { spelling: 'Spelling', progress: 20 })
    await append(subject.store, given.id, null, line({ message: 'a line' }))
    await subject.store.saveSnapshots(given.key, [log({ text: 'printed', leftOut: 7 })], LOG_BYTES)
    const at = subject.pass(1000)
    await subject.store.transition(given.key, ['executing'], 'executed', { progress: 100, cause: 'finished' })
    subject.pass(1000)
    const signed: string[] = []
    await subject.other.archive(given.key, 'node-7', async (document) => {
      signed.push(document)
      return 'header.payload.signature'
    })
    expect(await subject.store.archiveEntries(undefined, 100, given.id)).toEqual([
      { key: given.key, document: signed[0], signature: 'header.payload.signature' },
    ])
    const { id, spelling, projectId, image, registryHost, createdAt } = given
    const counts = { count: 1, bytes: 'executinga line'.length, leftOut: 0, leftOutBytes: 0 }
    const said = { at: createdAt, level: 'info', status: 'executing', progress: 0, message: 'a line' } as const
    expect(JSON.parse(signed[0] ?? '')).toEqual({
      ...{ version: 2, analysisId: id, spelling, projectId, image, registryHost, outcome: 'executed' },
      ...{ cause: 'finished', progress: 100, createdAt: createdAt.toISOString(), endedAt: at.toISOString() },
      ...{ node: 'node-7', shortened: null },
      runs: [
        {
          ...{ run: 1, startedAt: createdAt.toISOString(), endedAt: at.toISOString(), cause: 'finished' },
          lines: { ...counts, sha256: digest([lineItem(said)]) },
        },
      ],
      logs: [
        {
          ...{ run: 1, kind: 'analysis', container: 'analysis-1', bytes: 7, leftOut: 7 },
          sha256: digest(['printed']),
        },
      ],
    })
    expect(await subject.store.find(given.id)).toBeUndefined()
    expect(await linesOf(given.key, FIRST)).toMatchObject([said])
  })

  test('archiving again, by many, does nothing', async () => {
    const analysis = await ended(subject.store, await executing(subject.store), 'failed')
    await together(subject, 10, (store) => store.archive(analysis.key, 'node', unsigned))
    expect(await entries()).toHaveLength(1)
  })

  test('a live one is not archived', async () => {
    const analysis = await executing(subject.store)
    await subject.store.archive(analysis.key, 'node', unsigned)
    expect(await entries()).toEqual([])
    expect(await subject.store.find(analysis.id)).toEqual(analysis)
  })

  test('one that is still stopping is archived as stopped', async () => {
    const { key } = await executing(subject.store)
    await subject.store.transition(key, ['executing'], 'stopping', { removal: { archive: true } })
    await subject.store.archive(key, 'node', unsigned)
    expect(await entries()).toMatchObject([{ outcome: 'stopped' }])
  })

  test('a signature that fails leaves the analysis where it is', async () => {
    const analysis = await ended(subject.store, await executing(subject.store))
    const broken = () => Promise.reject(new Error('no key'))
    await expect(subject.store.archive(analysis.key, 'node', broken)).rejects.toThrow()
    expect(await subject.store.find(analysis.id)).toEqual(analysis)
    expect(await entries()).toEqual([])
  })

  test('an entry that is shortened has no lines and no logs, and says how much they were and why', async () => {
    const { key, id } = await executing(subject.store)
    await append(subject.store, id, null, line({ message: 'said' }))
    await subject.store.saveSnapshots(key, [log({ text: 'printed' })], LOG_BYTES)
    await subject.store.transition(key, ['executing'], 'executed')
    await subject.store.archive(key, 'node', unsigned, 'it was too much')
    expect(await entries()).toMatchObject([
      {
        shortened: 'it was too much',
        runs: [{ lines: { count: 0, bytes: 0, leftOut: 1, leftOutBytes: 'executingsaid'.length, sha256: digest([]) } }],
        logs: [{ bytes: 0, leftOut: 'printed'.length, sha256: digest([]) }],
      },
    ])
    expect(await linesOf(key, FIRST)).toEqual([])
    expect(await historyOf(subject.store, id)).toEqual({
      analysis: { [id]: ['POLOG: 7 bytes of this log left out\n'] },
      nginx: {},
    })
  })

  test('digests are those of what can be read, however long it is and whatever it holds', async () => {
    const analysis = await executing(subject.store)
    const text = `${'😀ß'.repeat(100_000)}\0\uD800 the end`
    await subject.store.saveSnapshots(analysis.key, [log({ text })], LOG_BYTES)
    const messages = ['', 'two\nlines', '\uD800 half', 'ß'.repeat(200_000), 'last']
    for (const message of messages) await append(subject.store, analysis.id, null, line({ message, status: '\n' }))
    await archived(subject.store, analysis)
    const [entry] = await entries()
    const [kept] = (await subject.store.texts(analysis.key)).logs
    const pieces = kept ? await textOf(analysis.key, kept) : []
    expect(pieces.join('')).toBe(text.replace('\0', '\uFFFD').toWellFormed())
    expect(entry?.logs[0]).toMatchObject({ sha256: digest(pieces), bytes: Buffer.byteLength(pieces.join('')) })
    const lines = await linesOf(analysis.key, FIRST)
    expect(lines.map(({ message }) => message)).toEqual(messages.map((message) => message.toWellFormed()))
    expect(entry?.runs[0]?.lines).toMatchObject({ count: 5, sha256: digest(lines.map(lineItem)) })
  })

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
