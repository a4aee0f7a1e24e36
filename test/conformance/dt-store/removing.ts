import { expect, test } from 'vitest'
import { PHASES } from '../../../shared/dt/model.ts'
import {
  ALL,
  inPhase,
  input,
  launched,
  leave,
  loose,
  newId,
  objectId,
  present,
  record,
  ref,
  run,
  SCHEDULED,
  type Subject,
  together,
  upload,
} from './subject.ts'

/** `erase`. */
export function removing(subject: Subject): void {
  /** Everything that can belong to a service. */
  async function rich(fields: Parameters<typeof launched>[1] = {}) {
    const file = await upload(subject, 'mounted')
    const { id } = await launched(subject, { mountFiles: { [file]: 'in' }, ...fields })
    await record(subject.store, id, run(ref(0, 0)), run(ref(0, 1)))
    const [output] = await leave(subject, id, ref(0, 0), 'result')
    const open = { serviceId: objectId(id), ...ref(0, 1) }
    await subject.runs.open(open, subject.now())
    return { id, file, output: present(output), open }
  }

  test.each(PHASES.filter((phase) => phase !== 'removing' && phase !== 'launching'))(
    'erase: nothing happens to one that is %s',
    async (phase) => {
      const { id, output } = await rich()
      await subject.store.move(id, ['pending'], phase)
      const before = [await subject.store.listed(id), await subject.store.runs(id)]
      await subject.other.erase(id, 'delete')
      expect([await subject.store.listed(id), await subject.store.runs(id)]).toEqual(before)
      expect(await subject.catalogue.find(output)).toBeDefined()
    },
  )

  test('erase: nothing happens to one that is launching', async () => {
    const { id } = await inPhase(subject, 'launching')
    await subject.store.erase(id, 'delete')
    expect(await subject.store.find(id)).toMatchObject({ phase: 'launching' })
  })

  test.each(['delete', 'keep'] as const)('erase: its row goes with all below it; outputs: %s', async (outputs) => {
    const { id, file, output, open } = await rich()
    const { body } = present(await subject.catalogue.find(output))
    await subject.store.move(id, ['pending'], 'removing')
    await subject.other.erase(id, outputs)
    expect(await subject.store.find(id)).toBeUndefined()
    expect(await subject.store.runs(id)).toEqual([])
    expect(await subject.store.outputs(id)).toEqual([])
    expect(await subject.runs.open(open, subject.now())).toBeUndefined()
    expect(await subject.runs.output(objectId(id), 0)).toBe('no_service')
    // The file of a user stays.
    expect(await subject.catalogue.find(file)).toBeDefined()
    const kept = await subject.catalogue.find(output)
    expect(kept?.filename).toBe(outputs === 'keep' ? 'result' : undefined)
    expect(await loose(subject)).toEqual(outputs === 'keep' ? [] : [body])
    // Its id is free, and nothing of it remains.
    await launched(subject, { ...SCHEDULED, mountFiles: null }, id)
    expect(await subject.store.listed(id)).toMatchObject({ mounts: {}, outputs: {} })
    expect([await subject.store.runsOf([id]), await subject.store.manifests([id])]).toEqual([new Map(), new Map()])
  })

  test('erase: the content of a mount goes when its file is gone already', async () => {
    const { id, file } = await rich()
    const { body } = present(await subject.catalogue.find(file))
    await subject.catalogue.remove(file, subject.now())
    expect(await loose(subject)).toEqual([])
    await subject.store.move(id, ['pending'], 'removing')
    await subject.store.erase(id, 'keep')
    expect(await loose(subject)).toEqual([body])
  })

  test('erase: an output that a service mounts stays readable there', async () => {
    const { id, output } = await rich()
    const reader = await launched(subject, { mountFiles: { [output]: 'in' } })
    await subject.store.move(id, ['pending'], 'removing')
    await subject.store.erase(id, 'delete')
    expect(await subject.catalogue.find(output)).toBeUndefined()
    const [found] = (await subject.runs.inputs(objectId(reader.id), null, ALL, subject.now())) ?? []
    expect(found).toMatchObject({ name: 'in', content: { length: 6 } })
    expect(await subject.runs.findContent(objectId(reader.id), found?.content?.sha256 ?? '', 'mounts')).toBeDefined()
    expect(await loose(subject)).toEqual([])
  })

  test('erase: twice, or by many at once, is as once; and nothing of others goes', async () => {
    const [gone, other] = [await rich(), await rich()]
    await subject.store.move(gone.id, ['pending'], 'removing')
    await together(subject, 10, (store) => store.erase(gone.id, 'delete'))
    await subject.store.erase(newId(), 'delete')
    expect(await subject.store.find(gone.id)).toBeUndefined()
    expect(await subject.store.listed(other.id)).toMatchObject({
      mounts: { [other.file]: 'in' },
      outputs: { [other.output]: 'result' },
    })
    expect(await subject.store.runs(other.id)).toHaveLength(2)
  })

  test('erase: beside a run that brings its outputs nothing is left of either', async () => {
    for (let turn = 0; turn < 10; turn += 1) {
      const { id } = await launched(subject)
      await subject.store.move(id, ['pending'], 'removing')
      await Promise.allSettled([subject.other.erase(id, 'delete'), leave(subject, id, ref(0, 0), `late-${turn}`)])
      expect(await subject.store.begin(input({}, id))).toBe(true)
      expect(await subject.store.outputs(id)).toEqual([])
      await subject.store.abandon(id)
    }
  })
}
