import { expect, test } from 'vitest'
import type { LogSnapshot, RunNumber } from '../../../shared/po/model.ts'
import { archived, begun, ended, executing, line, noReports, type Subject, together, unsigned } from './subject.ts'

const FIRST = 1 as RunNumber

const log = (fields: Partial<LogSnapshot>): LogSnapshot => ({
  run: FIRST,
  kind: 'analysis',
  container: 'analysis-1',
  text: 'said by the container',
  truncated: false,
  ...fields,
})

/** Container logs, the archive, and `history` of both. */
export function archiving(subject: Subject): void {
  test('an entry says all about the analysis, is signed as it is stored, and its row is gone', async () => {
    const given = await executing(subject.store, { spelling: 'Spelling', progress: 20 })
    await subject.store.appendLine(given.id, null, line({ message: 'a line' }), noReports)
    await subject.store.saveSnapshots(given.key, [log({ text: 'printed', truncated: true })])
    const at = subject.pass(1000)
    await subject.store.transition(given.key, ['executing'], 'executed', { progress: 100, cause: 'finished' })
    subject.pass(1000)
    const signed: string[] = []
    await subject.other.archive(given.key, 'node-7', async (document) => {
      signed.push(document)
      return 'header.payload.signature'
    })
    const entries = await subject.store.archiveEntries(given.id)
    expect(entries).toEqual([{ document: signed[0], signature: 'header.payload.signature' }])
    const { id, spelling, projectId, image, registryHost, createdAt } = given
    expect(JSON.parse(signed[0] ?? '')).toEqual({
      ...{ analysisId: id, spelling, projectId, image, registryHost, outcome: 'executed', cause: 'finished' },
      ...{ progress: 100, createdAt: createdAt.toISOString(), endedAt: at.toISOString(), node: 'node-7' },
      runs: [{ run: 1, startedAt: createdAt.toISOString(), endedAt: at.toISOString(), cause: 'finished' }],
      lines: [
        { run: 1, at: createdAt.toISOString(), level: 'info', status: 'executing', progress: 0, message: 'a line' },
      ],
      logs: [{ run: 1, kind: 'analysis', container: 'analysis-1', truncated: true, text: 'printed' }],
    })
    expect(await subject.store.find(given.id)).toBeUndefined()
  })

  test('archiving again, by many, does nothing', async () => {
    const analysis = await ended(subject.store, await executing(subject.store), 'failed')
    await together(subject, 10, (store) => store.archive(analysis.key, 'node', unsigned))
    expect(await subject.store.archiveEntries()).toHaveLength(1)
  })

  test('a live one is not archived', async () => {
    const analysis = await executing(subject.store)
    await subject.store.archive(analysis.key, 'node', unsigned)
    expect(await subject.store.archiveEntries()).toEqual([])
    expect(await subject.store.find(analysis.id)).toEqual(analysis)
  })

  test('one that is still stopping is archived as stopped', async () => {
    const { key } = await executing(subject.store)
    await subject.store.transition(key, ['executing'], 'stopping', { removal: { archive: true } })
    await subject.store.archive(key, 'node', unsigned)
    expect(JSON.parse((await subject.store.archiveEntries())[0]?.document ?? '{}').outcome).toBe('stopped')
  })

  test('a signature that fails leaves the analysis where it is', async () => {
    const analysis = await ended(subject.store, await executing(subject.store))
    const broken = () => Promise.reject(new Error('no key'))
    await expect(subject.store.archive(analysis.key, 'node', broken)).rejects.toThrow()
    expect(await subject.store.find(analysis.id)).toEqual(analysis)
    expect(await subject.store.archiveEntries()).toEqual([])
  })

  test('the last snapshot of a container wins', async () => {
    const analysis = await executing(subject.store)
    await subject.store.saveSnapshots(analysis.key, [
      log({ text: 'early' }),
      log({ kind: 'nginx', container: 'nginx-1' }),
    ])
    await subject.other.saveSnapshots(analysis.key, [log({ text: 'late\0' })])
    await archived(subject.store, analysis)
    expect((await subject.store.history()).map(({ kind, text }) => [kind, text])).toEqual([
      ['analysis', 'late\uFFFD'],
      ['nginx', 'said by the container'],
    ])
  })

  test('snapshots of an incarnation that is gone are dropped', async () => {
    const analysis = await executing(subject.store)
    await archived(subject.store, analysis)
    await subject.store.saveSnapshots(analysis.key, [log({})])
    expect(await subject.store.history()).toEqual([])
  })

  test('history has the container logs of each run, and streamed lines where there are none', async () => {
    const analysis = await executing(subject.store, { spelling: 'As Spelled' })
    await subject.store.appendLine(analysis.id, null, line({ message: 'streamed by one' }), noReports)
    await subject.store.transition(analysis.key, ['executing'], 'executing', { nextRun: true })
    await subject.store.appendLine(analysis.id, null, line({ message: 'streamed by two' }), noReports)
    await subject.store.saveSnapshots(analysis.key, [
      log({ run: 2 as RunNumber, text: 'printed by two' }),
      log({ run: FIRST, kind: 'nginx', container: 'nginx-1', text: 'GET /' }),
    ])
    expect(await subject.store.history()).toEqual([])
    await ended(subject.store, analysis)
    const rows = [
      { spelling: 'As Spelled', run: 1, kind: 'analysis', text: expect.stringMatching(/info streamed by one$/) },
      { spelling: 'As Spelled', run: 1, kind: 'nginx', text: 'GET /' },
      { spelling: 'As Spelled', run: 2, kind: 'analysis', text: 'printed by two' },
    ]
    expect(await subject.store.history()).toEqual(rows)
    await subject.store.archive(analysis.key, 'node', unsigned)
    expect(await subject.other.history(analysis.id)).toEqual(rows)
  })

  test('history is oldest first over archived and ended ones, and of one id alone on demand', async () => {
    const first = await begun(subject.store)
    const second = await begun(subject.store)
    for (const { id, key } of [first, second]) await subject.store.saveSnapshots(key, [log({ text: `first of ${id}` })])
    await ended(subject.store, first)
    await archived(subject.store, second)
    const third = await begun(subject.store, { id: second.id })
    await subject.store.saveSnapshots(third.key, [log({ run: third.run, text: 'third' })])
    await ended(subject.store, third)
    const texts = async (id?: typeof first.id) => (await subject.store.history(id)).map(({ text }) => text)
    expect(await texts()).toEqual([`first of ${first.id}`, `first of ${second.id}`, 'third'])
    expect(await texts(second.id)).toEqual([`first of ${second.id}`, 'third'])
  })

  const DAY_MS = 24 * 60 * 60 * 1000
  test.each([
    ['without limits all stay', { maxAgeDays: 0, maxMiB: 0 }, ['a', 'b', 'c']],
    ['what is older than the age goes', { maxAgeDays: 2, maxMiB: 0 }, ['b', 'c']],
    ['above the size the oldest go', { maxAgeDays: 0, maxMiB: 3 }, ['b', 'c']],
    ['what alone is above the size goes, too', { maxAgeDays: 0, maxMiB: 1 }, []],
    ['the stricter limit counts', { maxAgeDays: 1, maxMiB: 10 }, ['c']],
  ])('of the archive, %s', async (_, limits, stay) => {
    for (const spelling of ['a', 'b', 'c']) {
      const analysis = await begun(subject.store, { spelling })
      await subject.store.saveSnapshots(analysis.key, [log({ text: spelling.repeat(1.2 * 1024 * 1024) })])
      await archived(subject.store, analysis)
      subject.pass(DAY_MS)
    }
    expect(await subject.store.pruneArchive(limits)).toBe(3 - stay.length)
    expect([...new Set((await subject.store.history()).map(({ spelling }) => spelling))]).toEqual(stay)
  })
}
