import { expect, test } from 'vitest'
import type { ServiceId } from '../../../../shared/dt/model.ts'
import type { ContentScope } from '../../../../shared/files/ports.ts'
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

/** `findContent`, `output`. */
export function finding(subject: Subject): void {
  const inputs = (id: ServiceId, firing: number | null = null) =>
    subject.otherRuns.inputs(objectId(id), firing, ALL, subject.now())

  test('there is nothing of a service that is not there, or that is being removed', async () => {
    const file = await upload(subject, 'data')
    const { id } = await inPhase(subject, 'removing', { mountFiles: { [file]: 'in' } })
    const { sha256 } = present(await subject.catalogue.find(file))
    for (const none of [id, newId()]) {
      expect(await inputs(none)).toBeUndefined()
      expect(await subject.runs.findContent(objectId(none), sha256, 'mounts')).toBeUndefined()
      expect(await subject.runs.output(objectId(none), 0)).toBe('no_service')
    }
  })

  const shaOf = async (word: string) => (await received(subject, word)).content.sha256

  const findContent = async (id: ServiceId, word: string, scope: ContentScope = 'mounts') =>
    subject.otherRuns.findContent(objectId(id), await shaOf(word), scope)

  test('findContent: what the service mounts or has as an output, and nothing of others', async () => {
    const file = await upload(subject, 'mounted')
    const other = await launched(subject)
    const { id } = await launched(subject, { mountFiles: { [file]: 'in' } })
    await leave(subject, id, ref(0, 0), 'left')
    await upload(subject, 'of a user')
    for (const [word, scopes] of [
      ['mounted', ['mounts', { firing: 0 }, { firing: 1 }, 'all firings']],
      ['left', [{ firing: 0 }, 'all firings']],
    ] as const)
      for (const scope of scopes) {
        expect(await findContent(id, word, scope)).toMatchObject({ sha256: await shaOf(word), length: word.length })
        expect(await findContent(other.id, word, scope)).toBeUndefined()
      }
    for (const scope of ['mounts', { firing: 1 }] as const) expect(await findContent(id, 'left', scope)).toBeUndefined()
    expect(await findContent(id, 'of a user')).toBeUndefined()
    expect(await findContent(id, 'of nobody')).toBeUndefined()
  })

  test('findContent: not what an open set has, nor an output whose file was deleted', async () => {
    const { id } = await launched(subject)
    const key = { serviceId: objectId(id), ...ref(0, 1) }
    await subject.runs.open(key, subject.now())
    await bringing(subject, key, 'p', 'part')
    expect(await findContent(id, 'part', 'all firings')).toBeUndefined()
    const [file] = await leave(subject, id, ref(0, 0), 'left')
    await subject.catalogue.remove(present(file), subject.now())
    expect(await findContent(id, 'left', 'all firings')).toBeUndefined()
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
