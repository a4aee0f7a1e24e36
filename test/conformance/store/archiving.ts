import { expect, test } from 'vitest'
import type { AnalysisId } from '../../../shared/po/model.ts'
import type { ArchiveEntry } from '../../../shared/po/ports/archive.ts'
import { ended, executing, type Subject, together, unsigned } from './subject.ts'

/** `archive`. */
export function archiving(subject: Subject): void {
  const entries = async (id?: AnalysisId): Promise<ArchiveEntry[]> =>
    (await subject.store.archiveEntries(undefined, 100, id)).map(({ document }) => JSON.parse(document))

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
}
