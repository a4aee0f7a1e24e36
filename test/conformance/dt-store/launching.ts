import { expect, test } from 'vitest'
import { PHASES } from '../../../shared/dt/model.ts'
import {
  ALL,
  change,
  inPhase,
  input,
  launched,
  newId,
  objectId,
  present,
  SCHEDULED,
  type Subject,
  spec,
  together,
  told,
  upload,
} from './subject.ts'

const loosened = ({ catalogue, now }: Subject) =>
  catalogue.claimOrphans(now(), { claimed: now(), abandoned: now() }, 100)

/** `begin`, `launched`. */
export function launching(subject: Subject): void {
  test('begin records the intent, which nobody is shown', async () => {
    const begun = { ...input({ env: { B: '1', A: '2' } }), labels: { ward: 'a' } }
    expect(await subject.store.begin(begun)).toBe(true)
    expect(await subject.other.find(begun.id)).toEqual({
      id: begun.id,
      spec: begun.spec,
      labels: { ward: 'a' },
      uid: null,
      phase: 'launching',
      reason: null,
      counts: { active: 0, succeeded: 0, failed: 0 },
      url: null,
      firing: 0,
      createdAt: subject.now(),
      endedAt: null,
      claimedUntil: new Date(subject.now().getTime() + begun.leaseMs),
      attempts: 0,
    })
    expect(await told(subject.store, subject.now())).toEqual([])
  })

  test('a scheduled service has not fired yet', async () => {
    const begun = input(SCHEDULED)
    await subject.store.begin(begun)
    expect(await subject.store.find(begun.id)).toMatchObject({ firing: -1 })
  })

  test.each([
    [
      'every field',
      spec({ ...SCHEDULED, displayName: 'Ä', port: 80, parallelism: 2, retries: 0, fanIn: { image: 'i', env: {} } }),
    ],
    ['limits and days', spec({ concurrencyPolicy: 'Replace', historyLimit: 7, retentionDays: 0, mountFiles: null })],
    ['the order of variables', spec({ env: { z: '', a: '$(B)', M: `"'\\`, 'ä ö': '\u{1F52C}\n' } })],
    ['a long text', spec({ description: 'x'.repeat(100_000) })],
  ])('a spec comes back as it was given: %s', async (_, given) => {
    const begun = { ...input(), spec: given }
    await subject.store.begin(begun)
    const found = present(await subject.other.find(begun.id)).spec
    expect(found).toEqual(given)
    expect(Object.keys(found.env)).toEqual(Object.keys(given.env))
  })

  test('what PostgreSQL cannot keep of a text is replaced, and the launch goes on', async () => {
    const begun = { ...input({ description: 'a\0b', env: { A: '\0', B: '\\u0000' } }), labels: { ward: '\0' } }
    expect(await subject.store.begin(begun)).toBe(true)
    const found = present(await subject.store.find(begun.id))
    expect(found.spec.description).toBe('a\uFFFDb')
    expect(found.spec.env).toEqual({ A: '\uFFFD', B: '\\u0000' })
    expect(found.labels).toEqual({ ward: '\uFFFD' })
  })

  test.each(PHASES)('an id whose service is %s is taken, and nothing of it changes', async (phase) => {
    const file = await upload(subject, 'input')
    const service = await inPhase(subject, phase, { mountFiles: { [file]: 'first' } })
    const before = await subject.store.find(service.id)
    const again = {
      ...input({ mountFiles: { [file]: 'second' }, image: 'other:1' }, service.id),
      labels: { ward: 'b' },
    }
    expect(await subject.other.begin(again)).toBe(false)
    expect(await subject.store.find(service.id)).toEqual(before)
    await subject.store.launched(service.id, 'uid', change(service.id, 'launched', subject.now()))
    const mounts = (await subject.store.listed(service.id))?.mounts
    if (phase !== 'removing') expect(mounts).toEqual({ [file]: 'first' })
  })

  test('of 20 that begin one id one does, with the mounts of that one', async () => {
    const id = newId()
    const file = await upload(subject, 'input')
    const results = await together(subject, 20, (store, nth) =>
      store.begin(input({ mountFiles: { [file]: `name-${nth}` }, description: String(nth) }, id)),
    )
    expect(results.filter(Boolean)).toHaveLength(1)
    const winner = results.indexOf(true)
    expect((await subject.store.find(id))?.spec.description).toBe(String(winner))
    await subject.store.launched(id, 'uid', change(id, 'launched', subject.now()))
    expect((await subject.store.listed(id))?.mounts).toEqual({ [file]: `name-${winner}` })
  })

  test('launched: it has its resource, is free to be looked at, and everybody is told', async () => {
    const { id } = await inPhase(subject, 'launching')
    const news = change(id, 'launched', subject.now(), { detail: { image: 'x', reps: 2 } })
    expect(await subject.other.launched(id, 'the-uid', news)).toBe(true)
    expect(await subject.store.find(id)).toMatchObject({ phase: 'pending', uid: 'the-uid', claimedUntil: null })
    expect(await told(subject.store, subject.now())).toEqual([news])
  })

  test.each(PHASES.filter((phase) => phase !== 'launching'))('launched: one that is %s is none', async (phase) => {
    const { id } = await inPhase(subject, phase)
    const before = await subject.store.find(id)
    expect(await subject.store.launched(id, 'late', change(id, 'launched', subject.now()))).toBe(false)
    expect(await subject.store.find(id)).toEqual(before)
    expect(await told(subject.store, subject.now())).toEqual([])
  })

  test('a file that is deleted after a launch is mounted all the same', async () => {
    const file = await upload(subject, 'input')
    const { id } = await launched(subject, { mountFiles: { [file]: 'data.txt' } })
    await subject.catalogue.remove(file, subject.now())
    expect(await subject.runs.inputs(objectId(id), null, ALL, subject.now())).toMatchObject([
      { name: 'data.txt', fileId: file, content: { length: 5 } },
    ])
    expect(await loosened(subject)).toEqual([])
  })
}
