import { expect, test } from 'vitest'
import { PHASES } from '../../../shared/dt/model.ts'
import { ALL, change, inPhase, kindsOf, launched, newId, objectId, type Subject, told, upload } from './subject.ts'

/** `abandon`: undoes a launch. */
export function abandoning(subject: Subject): void {
  test('a launch that ends while it is taken back is one or the other', async () => {
    for (let turn = 0; turn < 20; turn += 1) {
      const { id } = await inPhase(subject, 'launching')
      const [isLaunched, taken] = await Promise.all([
        subject.store.launched(id, 'uid', change(id, 'launched', subject.now())),
        subject.other.move(id, ['launching'], 'removing'),
      ])
      expect(isLaunched).toBe(taken === undefined)
      expect((await subject.store.find(id))?.phase).toBe(isLaunched ? 'pending' : 'removing')
      expect(kindsOf(await told(subject.store, subject.now()))).toEqual(isLaunched ? ['launched'] : [])
    }
  })

  test('abandon: no row is left, and no mount', async () => {
    const file = await upload(subject, 'input')
    const { id } = await inPhase(subject, 'launching', { mountFiles: { [file]: 'data' } })
    await subject.other.abandon(id)
    expect(await subject.store.find(id)).toBeUndefined()
    expect(await subject.runs.inputs(objectId(id), null, ALL, subject.now())).toBeUndefined()
    // Null keeps the mounts of the id, which has none.
    await launched(subject, { mountFiles: null }, id)
    expect((await subject.store.listed(id))?.mounts).toEqual({})
    await subject.store.abandon(newId())
  })

  test.each(PHASES.filter((phase) => phase !== 'launching'))(
    'abandon: nothing happens to one that is %s',
    async (phase) => {
      const file = await upload(subject, 'input')
      const { id } = await inPhase(subject, phase, { mountFiles: { [file]: 'data' } })
      const before = await subject.store.find(id)
      await subject.store.abandon(id)
      expect(await subject.store.find(id)).toEqual(before)
      if (phase !== 'removing') expect((await subject.store.listed(id))?.mounts).toEqual({ [file]: 'data' })
    },
  )
}
