import { expect, test } from 'vitest'
import { lineItem, listDigest } from '../../../shared/adapters/content-digest.ts'
import type { AnalysisId, AnalysisKey, LogSnapshot, RunNumber } from '../../../shared/po/model.ts'
import type { ArchiveEntry } from '../../../shared/po/ports/archive.ts'
import type { KeptLine, KeptLog } from '../../../shared/po/ports/logs.ts'
import { append, archived, executing, historyOf, LOG_BYTES, line, type Subject, unsigned } from './subject.ts'

export const FIRST = 1 as RunNumber

export const log = (fields: Partial<LogSnapshot>): LogSnapshot => ({
  run: FIRST,
  kind: 'analysis',
  container: 'analysis-1',
  text: 'said by the container',
  leftOut: 0,
  ...fields,
})

/** Contents of archive entries, and their digests of lines and logs. */
export function digesting(subject: Subject): void {
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
      ...{
        version: 3,
        sequence: expect.any(Number),
        previous: expect.toBeOneOf([null, expect.any(String)]),
        analysisId: id,
        spelling,
        projectId,
        image,
        registryHost,
        outcome: 'executed',
      },
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
}
