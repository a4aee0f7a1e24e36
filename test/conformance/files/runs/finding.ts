import { expect, test } from 'vitest'
import type { ServiceId } from '../../../../shared/dt/model.ts'
import {
  ALL,
  bringing,
  inPhase,
  launched,
  leave,
  newId,
  objectId,
  present,
  received,
  ref,
  type Subject,
  upload,
} from '../../dt-store/subject.ts'

/** `held`, `output`. */
export function finding(subject: Subject): void {
  const inputs = (id: ServiceId, firing: number | null = null) =>
    subject.otherRuns.inputs(objectId(id), firing, ALL, subject.now())

  test('there is nothing of a service that is not there, or that is being removed', async () => {
    const file = await upload(subject, 'data')
    const { id } = await inPhase(subject, 'removing', { mountFiles: { [file]: 'in' } })
    const { sha256 } = present(await subject.catalogue.find(file))
    for (const none of [id, newId()]) {
      expect(await inputs(none)).toBeUndefined()
      expect(await subject.runs.held(objectId(none), sha256, null)).toBeUndefined()
      expect(await subject.runs.output(objectId(none), 0)).toBe('no_service')
    }
  })

  const shaOf = async (word: string) => (await received(subject, word)).content.sha256

  const held = async (id: ServiceId, word: string, firing: number | null | 'any' = null) =>
    subject.otherRuns.held(objectId(id), await shaOf(word), firing)

  test('held: what the service mounts or has as an output, and nothing of others', async () => {
    const file = await upload(subject, 'mounted')
    const other = await launched(subject)
    const { id } = await launched(subject, { mountFiles: { [file]: 'in' } })
    await leave(subject, id, ref(0, 0), 'left')
    await upload(subject, 'of a user')
    for (const [word, firings] of [
      ['mounted', [null, 0, 1, 'any']],
      ['left', [0, 'any']],
    ] as const)
      for (const firing of firings) {
        expect(await held(id, word, firing)).toMatchObject({ sha256: await shaOf(word), length: word.length })
        expect(await held(other.id, word, firing)).toBeUndefined()
      }
    for (const firing of [null, 1]) expect(await held(id, 'left', firing)).toBeUndefined()
    expect(await held(id, 'of a user')).toBeUndefined()
    expect(await held(id, 'of nobody')).toBeUndefined()
  })

  test('held: not what an open set has, nor an output whose file was deleted', async () => {
    const { id } = await launched(subject)
    const key = { serviceId: objectId(id), ...ref(0, 1) }
    await subject.runs.open(key, subject.now())
    await bringing(subject, key, 'p', 'part')
    expect(await held(id, 'part', 'any')).toBeUndefined()
    const [file] = await leave(subject, id, ref(0, 0), 'left')
    await subject.catalogue.remove(present(file), subject.now())
    expect(await held(id, 'left', 'any')).toBeUndefined()
  })

  test('output: by its place, which stays when others are deleted', async () => {
    const { id } = await launched(subject)
    const [a, b] = await leave(subject, id, ref(0, 0), 'a', 'b')
    expect(await subject.otherRuns.output(objectId(id), 1)).toEqual(await subject.catalogue.find(present(b)))
    await subject.catalogue.remove(present(a), subject.now())
    expect(await subject.runs.output(objectId(id), 0)).toBe('no_output')
    expect(await subject.runs.output(objectId(id), 1)).toMatchObject({ id: b, filename: 'b', origin: 'output' })
  })

  test.each([2, -1, 2 ** 40, Number.MAX_SAFE_INTEGER])('output: nothing is in place %d', async (place) => {
    const { id } = await launched(subject)
    await leave(subject, id, ref(0, 0), 'a', 'b')
    expect(await subject.runs.output(objectId(id), place)).toBe('no_output')
  })
}
