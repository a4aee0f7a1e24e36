import { expect, test } from 'vitest'
import type { AnalysisId, Report } from '../../../shared/po/model.ts'
import type { MakeRecord } from '../../../shared/po/ports/record.ts'
import { archived, drain, ended, executing, type Subject, together } from './subject.ts'

const envelopeOf = (payload: string) => ({
  payloadType: 'text/plain',
  payload: Buffer.from(payload).toString('base64'),
  signatures: [],
})
/** SHA-256 of `a record`. */
const DIGEST = '9b700ce8298dbf0750b1d83f36b0733424d6fcce95f86bc5a456b5eb0296697e'

/** `seal`, `record`. */
export function sealing(subject: Subject): void {
  const make: MakeRecord = async () => envelopeOf('a record')
  const lineOf = (digest: string): readonly Report[] => [{ kind: 'log', level: 'info', message: digest, status: null }]
  const reported = (id: AnalysisId): Promise<Report[]> => drain(subject.store, subject.now(), id)

  test('sealing again, by many, makes one record, and tells the Hub its digest once', async () => {
    const { id, key } = await ended(subject.store, await executing(subject.store), 'failed')
    await together(subject, 10, (store) => store.seal(key, 'node', make, lineOf))
    expect(await subject.store.record(id, undefined)).toEqual(envelopeOf('a record'))
    expect(await reported(id)).toEqual([expect.objectContaining({ message: DIGEST })])
  })

  test('a live one has no record', async () => {
    const { id, key } = await executing(subject.store)
    await subject.store.seal(key, 'node', make, lineOf)
    expect(await subject.store.record(id, undefined)).toBeUndefined()
    expect(await reported(id)).toEqual([])
  })

  test('a record outlives its analysis', async () => {
    const analysis = await executing(subject.store)
    await ended(subject.store, analysis, 'executed')
    await subject.store.seal(analysis.key, 'node', make, lineOf)
    await subject.store.archive(analysis.key, 'node', async () => null)
    expect(await subject.store.record(analysis.id, undefined)).toEqual(envelopeOf('a record'))
  })

  test('one that is archived already has no record, and none is made', async () => {
    const analysis = await executing(subject.store)
    await archived(subject.store, analysis)
    await subject.store.seal(analysis.key, 'node', make, lineOf)
    expect(await subject.store.record(analysis.id, undefined)).toBeUndefined()
  })

  test('a signature that fails leaves no record and no report', async () => {
    const { id, key } = await ended(subject.store, await executing(subject.store))
    const broken = () => Promise.reject(new Error('no key'))
    await expect(subject.store.seal(key, 'node', broken, lineOf)).rejects.toThrow()
    expect(await subject.store.record(id, undefined)).toBeUndefined()
    expect(await reported(id)).toEqual([])
  })

  test('a reset leaves no record', async () => {
    const { id, key } = await ended(subject.store, await executing(subject.store))
    await subject.store.seal(key, 'node', make, lineOf)
    await subject.store.reset()
    expect(await subject.store.record(id, undefined)).toBeUndefined()
  })
}
