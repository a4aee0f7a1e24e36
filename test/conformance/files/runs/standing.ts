import { expect, test } from 'vitest'
import { PHASES } from '../../../../shared/dt/model.ts'
import type { RunKey } from '../../../../shared/files/model.ts'
import {
  inPhase,
  launched,
  newId,
  objectId,
  record,
  ref,
  run,
  SCHEDULED,
  type Subject,
} from '../../dt-store/subject.ts'

const LIVE = ['pending', 'queued', 'running', 'scheduled', 'serving']
const HIDDEN = ['launching', 'removing']

/** `standing`. */
export function standing(subject: Subject): void {
  const of = (id: string, firing = 0, index = 0, attempt = 0) =>
    subject.otherRuns.standing({ serviceId: objectId(id), ...ref(firing, index, attempt) } satisfies RunKey)

  test.each(PHASES)('of a service that is %s', async (phase) => {
    const { id } = await inPhase(subject, phase)
    const found = await of(id)
    if (HIDDEN.includes(phase)) expect(found).toBeUndefined()
    else expect(found?.isLive).toBe(LIVE.includes(phase))
  })

  test('of no service there is none', async () => expect(await of(newId())).toBeUndefined())

  test('what a service is', async () => {
    const { id } = await launched(subject, { reps: 7 })
    expect(await of(id)).toEqual({
      uid: `uid-of-${id}`,
      isLive: true,
      takesFormerTokens: false,
      isScheduled: false,
      reps: 7,
      firing: 0,
      createdAt: subject.now(),
      run: null,
      hasSucceeded: false,
      lastFailed: null,
    })
    const scheduled = await launched(subject, { ...SCHEDULED, reps: null })
    expect(await of(scheduled.id)).toMatchObject({ isScheduled: true, reps: 1, firing: -1 })
  })

  test('what became of a run, of its attempt alone and of its index', async () => {
    const { id } = await launched(subject)
    const ended = { endedAt: subject.now() }
    await record(
      subject.store,
      id,
      run(ref(0, 0, 0), { phase: 'failed', ...ended }),
      run(ref(0, 0, 1), { phase: 'failed', ...ended }),
      run(ref(0, 0, 2), { phase: 'finishing' }),
      run(ref(0, 1, 0), { phase: 'succeeded', ...ended }),
      run(ref(0, 2, 0), { phase: 'pending' }),
    )
    const failed = { hasSucceeded: false, lastFailed: 1 }
    expect(await of(id, 0, 0, 0)).toMatchObject({ run: 'over', ...failed })
    expect(await of(id, 0, 0, 2)).toMatchObject({ run: 'active', ...failed })
    expect(await of(id, 0, 0, 3)).toMatchObject({ run: null, ...failed })
    expect(await of(id, 0, 1, 0)).toMatchObject({ run: 'over', hasSucceeded: true, lastFailed: null })
    expect(await of(id, 0, 2, 0)).toMatchObject({ run: 'active', hasSucceeded: false, lastFailed: null })
    expect(await of(id, 1, 1, 0)).toMatchObject({ run: null, hasSucceeded: false, lastFailed: null })
  })
}
