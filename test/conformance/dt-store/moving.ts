import { expect, test } from 'vitest'
import { LIVE_PHASES, PHASES, type Service } from '../../../shared/dt/model.ts'
import type { ServicePatch } from '../../../shared/dt/ports/store.ts'
import {
  change,
  inPhase,
  isEndedPhase,
  kindsOf,
  LEASE_MS,
  launched,
  newId,
  present,
  ref,
  type Subject,
  together,
  told,
} from './subject.ts'

/** `move`. */
export function moving(subject: Subject): void {
  test.each(PHASES)('one that is %s moves if that is among the phases it may move from', async (phase) => {
    const { id } = await inPhase(subject, phase)
    const others = PHASES.filter((other) => other !== phase)
    const before = await subject.store.find(id)
    const changes = [change(id, 'completed', subject.now())]
    expect(await subject.store.move(id, others, 'failed', { reason: 'no', changes })).toBeUndefined()
    expect(await subject.other.find(id)).toEqual(before)
    expect(await told(subject.store, subject.now())).toEqual([])
    const moved = await subject.store.move(id, [phase], 'failed', { reason: 'yes', changes })
    expect(moved).toMatchObject({ id, phase: 'failed', reason: 'yes' })
    expect(await subject.other.find(id)).toEqual(moved)
    expect(kindsOf(await told(subject.store, subject.now()))).toEqual(['completed'])
  })

  test('one that is not there does not move, and nobody is told', async () => {
    const id = newId()
    const changes = [change(id, 'completed', subject.now())]
    expect(await subject.store.move(id, PHASES, 'failed', { changes })).toBeUndefined()
    expect(await told(subject.store, subject.now())).toEqual([])
  })

  const FULL = {
    reason: 'a reason',
    url: 'http://there',
    firing: 2 ** 33,
    uid: 'a-uid',
    counts: { active: 1, succeeded: 2, failed: 3 },
  } as const satisfies ServicePatch

  test.each<[string, ServicePatch, Partial<Service>]>([
    ['nothing is said', {}, {}],
    ['a reason', { reason: 'other' }, { reason: 'other' }],
    ['no reason any more', { reason: null }, { reason: null }],
    ['a text that PostgreSQL cannot keep', { reason: 'a\0b' }, { reason: 'a\uFFFDb' }],
    ['no URL any more', { url: null }, { url: null }],
    ['a firing', { firing: 29_600_000 }, { firing: 29_600_000 }],
    ['a uid', { uid: 'other' }, { uid: 'other' }],
    ['counts', { counts: { active: 0, succeeded: 0, failed: 0 } }, { counts: { active: 0, succeeded: 0, failed: 0 } }],
  ])('what is left out of a patch stays: %s', async (_, patch, expected) => {
    const { id } = await launched(subject)
    const full = present(await subject.store.move(id, ['pending'], 'running', FULL))
    expect(full).toMatchObject(FULL)
    expect(await subject.store.move(id, ['running'], 'running', patch)).toEqual({ ...full, ...expected })
  })

  test.each(PHASES.filter((phase) => phase !== 'launching'))(
    'to %s: when it ended is known then, and only then',
    async (to) => {
      const { id } = await launched(subject)
      const at = subject.pass(1000)
      const moved = await subject.store.move(id, ['pending'], to)
      expect(moved?.endedAt).toEqual(isEndedPhase(to) || to === 'removing' ? at : null)
    },
  )

  test('an end that is told again is as long ago as before; a removal begins when it begins', async () => {
    const { id } = await launched(subject)
    const ended = subject.pass(1000)
    await subject.store.move(id, ['pending'], 'failed')
    subject.pass(1000)
    expect((await subject.store.move(id, ['failed'], 'terminated'))?.endedAt).toEqual(ended)
    const removed = subject.pass(1000)
    expect((await subject.store.move(id, ['terminated'], 'removing'))?.endedAt).toEqual(removed)
  })

  test('what is told with a move is told in its order', async () => {
    const { id } = await launched(subject)
    const at = subject.now()
    const changes = [
      change(id, 'run.started', at, { run: ref(3, 1, 2), detail: { runId: 'p', exitCode: null } }),
      change(id, 'run.succeeded', at, { run: ref(2 ** 33, 0), detail: { reason: 'ä' } }),
      change(id, 'completed', at, { detail: { firing: 1 } }),
    ]
    await subject.store.move(id, ['pending'], 'succeeded', { changes })
    expect(await told(subject.other, at)).toEqual(changes)
  })

  test('of 20 that move one service from one phase one does, and what it says is told', async () => {
    const { id } = await launched(subject)
    const results = await together(subject, 20, (store, nth) =>
      store.move(id, ['pending'], 'running', {
        reason: String(nth),
        changes: [change(id, 'completed', subject.now(), { detail: { nth } })],
      }),
    )
    const winners = results.flatMap((result, nth) => (result ? [nth] : []))
    expect(winners).toHaveLength(1)
    expect(await subject.store.find(id)).toMatchObject({ phase: 'running', reason: String(winners[0]) })
    expect((await told(subject.store, subject.now())).map(({ detail }) => detail)).toEqual([{ nth: winners[0] }])
  })

  test('a look that ends after the service was terminated changes nothing', async () => {
    const { id } = await inPhase(subject, 'running')
    await subject.other.move(id, ['running'], 'removing', { changes: [change(id, 'terminated', subject.now())] })
    const late = { changes: [change(id, 'completed', subject.now())] }
    expect(await subject.store.move(id, LIVE_PHASES, 'succeeded', late)).toBeUndefined()
    expect(kindsOf(await told(subject.store, subject.now()))).toEqual(['terminated'])
  })

  test('a claim outlives a move', async () => {
    const { id } = await launched(subject)
    const [claimed] = await subject.store.claim([id], subject.now(), LEASE_MS)
    const moved = await subject.store.move(id, ['pending'], 'running')
    expect(moved?.claimedUntil).toEqual(claimed?.claimedUntil)
    expect(await subject.other.claim([id], subject.now(), LEASE_MS)).toEqual([])
  })
}
