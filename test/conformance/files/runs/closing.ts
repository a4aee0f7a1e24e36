import { expect, test } from 'vitest'
import type { RunKey } from '../../../../shared/files/model.ts'
import {
  ALL,
  bringing,
  completing,
  digestOf,
  launched,
  leave,
  newId,
  objectId,
  present,
  record,
  ref,
  type Subject,
  succeeded,
} from '../../dt-store/subject.ts'

/** Runs and services that have ended accept no outputs; `abandoned`. */
export function closing(subject: Subject): void {
  const moment = () => ({ at: subject.now(), orphanedAt: subject.now() })

  const keyOf = (id: string, index = 0): RunKey => ({ serviceId: objectId(id), ...ref(0, index) })

  const begun = async (id?: string, index = 0): Promise<RunKey> => {
    const key = keyOf(id ?? (await launched(subject)).id, index)
    await subject.runs.open(key, subject.now())
    return key
  }

  test('complete: not with another number of ids', async () => {
    const key = await begun()
    await bringing(subject, key, 'a')
    const digest = digestOf(await subject.runs.taken(key, ALL))
    for (const ids of [[], [newId(), newId()]])
      expect(await subject.runs.complete(key, digest, ids.map(objectId), [], subject.now())).toBe('differs')
  })

  test.each(['succeeded', 'failed'] as const)('a run that has %s leaves nothing more', async (phase) => {
    const { id } = await launched(subject)
    const key = await begun(id)
    await bringing(subject, key, 'a')
    await record(subject.store, id, succeeded(ref(0, 0), { phase }))
    expect(await bringing(subject, key, 'b')).toBe('closed')
    expect(await completing(subject, key)).toBe('closed')
    expect(await subject.runs.open(keyOf(id, 1), subject.now())).toBeDefined()
    await record(subject.store, id, succeeded(ref(0, 2), { phase }))
    expect(await subject.runs.open(keyOf(id, 2), subject.now())).toBeUndefined()
  })

  test.each(['succeeded', 'failed', 'terminated'] as const)(
    'a service that has %s gets nothing more',
    async (phase) => {
      const { id } = await launched(subject)
      const key = await begun(id)
      await bringing(subject, key, 'a')
      await subject.store.move(id, ['pending'], phase)
      expect(await bringing(subject, key, 'b')).toBe('closed')
      expect(await completing(subject, key)).toBe('closed')
      expect(await subject.runs.open(keyOf(id, 1), subject.now())).toBeUndefined()
    },
  )

  test('abandoned: open sets of runs that are over and of services that have ended, once they are old enough', async () => {
    const later = () => new Date(subject.now().getTime() + 1)
    const [over, active, ended] = [await launched(subject), await launched(subject), await launched(subject)]
    for (const { id } of [over, active, ended]) await bringing(subject, await begun(id), 'a')
    await leave(subject, over.id, ref(0, 1), 'complete')
    await record(subject.store, over.id, succeeded(ref(0, 0)), succeeded(ref(0, 1)))
    await subject.store.move(ended.id, ['pending'], 'failed')
    const found = await subject.runs.abandoned(later(), 10)
    expect(found.map(({ serviceId }) => serviceId).toSorted()).toEqual([over.id, ended.id].toSorted())
    expect(await subject.runs.abandoned(later(), 1)).toHaveLength(1)
    expect(await subject.runs.abandoned(subject.now(), 10)).toEqual([])
    for (const key of found) await subject.runs.giveUp(key, 'why', [], moment())
    expect(await subject.runs.abandoned(later(), 10)).toEqual([])
    expect(await subject.runs.taken(present(found[0]), ALL)).toEqual([])
  })
}
