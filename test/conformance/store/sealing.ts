import { expect, test } from 'vitest'
import type { MakeRecord } from '../../../shared/po/ports/record.ts'
import { archived, ended, executing, type Subject, together } from './subject.ts'

const envelopeOf = (payload: string) => ({
  payloadType: 'text/plain',
  payload: Buffer.from(payload).toString('base64'),
  signatures: [],
})
/** `seal`, `record`. */
export function sealing(subject: Subject): void {
  const make: MakeRecord = async () => envelopeOf('a record')

  test('sealing again, by many, makes one record', async () => {
    const { id, key } = await ended(subject.store, await executing(subject.store), 'failed')
    await together(subject, 10, (store) => store.seal(key, 'node', make))
    expect(await subject.store.record(id, undefined)).toEqual(envelopeOf('a record'))
  })

  test('a live one has no record', async () => {
    const { id, key } = await executing(subject.store)
    await subject.store.seal(key, 'node', make)
    expect(await subject.store.record(id, undefined)).toBeUndefined()
  })

  test('a record outlives its analysis', async () => {
    const analysis = await executing(subject.store)
    await ended(subject.store, analysis, 'executed')
    await subject.store.seal(analysis.key, 'node', make)
    await subject.store.archive(analysis.key, 'node', async () => null)
    expect(await subject.store.record(analysis.id, undefined)).toEqual(envelopeOf('a record'))
  })

  test('one that is archived already has no record, and none is made', async () => {
    const analysis = await executing(subject.store)
    await archived(subject.store, analysis)
    await subject.store.seal(analysis.key, 'node', make)
    expect(await subject.store.record(analysis.id, undefined)).toBeUndefined()
  })

  test('a signature that fails leaves no record', async () => {
    const { id, key } = await ended(subject.store, await executing(subject.store))
    const broken = () => Promise.reject(new Error('no key'))
    await expect(subject.store.seal(key, 'node', broken)).rejects.toThrow()
    expect(await subject.store.record(id, undefined)).toBeUndefined()
  })

  test('a reset leaves no record', async () => {
    const { id, key } = await ended(subject.store, await executing(subject.store))
    await subject.store.seal(key, 'node', make)
    await subject.store.reset()
    expect(await subject.store.record(id, undefined)).toBeUndefined()
  })
}
