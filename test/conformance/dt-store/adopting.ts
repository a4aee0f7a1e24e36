import { expect, test } from 'vitest'
import { PHASES, type Phase, type ServiceId, type ServiceSpec } from '../../../shared/dt/model.ts'
import type { AdoptInput } from '../../../shared/dt/ports/store.ts'
import {
  change,
  HIDDEN,
  inPhase,
  kindsOf,
  launched,
  newId,
  SCHEDULED,
  SHOWN,
  type Subject,
  spec,
  together,
  told,
} from './subject.ts'

export const CREATED = new Date('2026-01-01T00:00:00Z')

export const resource = (id: ServiceId, uid: string, fields: Partial<ServiceSpec> = {}): AdoptInput => ({
  id,
  uid,
  spec: spec(fields),
  labels: { ward: 'b' },
  createdAt: CREATED,
})

/** `adopt`: rows for resources that were created by others. */
export function adopting(subject: Subject): void {
  const adopt = (input: AdoptInput, store = subject.store) =>
    store.adopt(input, change(input.id, 'launched', subject.now()))

  test.each([
    ['ondemand', {}, 0],
    ['scheduled', SCHEDULED, -1],
  ])('a resource without a row gets one, pending, as old as it is: %s', async (_, fields, firing) => {
    const input = resource(newId(), 'uid-1', fields)
    const adopted = await adopt(input)
    expect(adopted).toEqual({
      ...input,
      phase: 'pending',
      reason: null,
      counts: { active: 0, succeeded: 0, failed: 0 },
      url: null,
      firing,
      endedAt: null,
      claimedUntil: null,
      attempts: 0,
    })
    expect(await subject.other.find(input.id)).toEqual(adopted)
    expect(kindsOf(await told(subject.store, subject.now()))).toEqual(['launched'])
  })

  test('one that is known by its uid is not adopted again, and nobody is told', async () => {
    const service = await launched(subject)
    const before = await subject.store.find(service.id)
    expect(await adopt(resource(service.id, service.uid ?? ''))).toBeUndefined()
    expect(await subject.store.find(service.id)).toEqual(before)
    expect(await told(subject.store, subject.now())).toEqual([])
  })

  test.each(HIDDEN)('nothing is adopted while its row is %s', async (phase) => {
    const service = await inPhase(subject, phase)
    expect(await adopt(resource(service.id, 'another-uid'))).toBeUndefined()
    expect(await subject.store.find(service.id)).toEqual(service)
    expect(await told(subject.store, subject.now())).toEqual([])
  })

  test.each(SHOWN)('one of another uid begins anew, though the former one is %s', async (phase: Phase) => {
    const former = await inPhase(subject, phase, { retentionDays: 3 })
    await subject.store.move(former.id, PHASES, phase, {
      reason: 'a reason',
      url: 'http://there',
      counts: { active: 1, succeeded: 2, failed: 3 },
    })
    const input = resource(former.id, 'another-uid', { image: 'other:2', reps: 5 })
    expect(await adopt(input)).toEqual({
      ...input,
      phase: 'pending',
      reason: null,
      counts: { active: 0, succeeded: 0, failed: 0 },
      url: null,
      firing: 1,
      endedAt: null,
      claimedUntil: null,
      attempts: 0,
    })
    expect(kindsOf(await told(subject.store, subject.now()))).toEqual(['launched'])
  })

  test('of 20 that adopt one resource one does', async () => {
    const fresh = resource(newId(), 'uid')
    const former = await inPhase(subject, 'failed')
    for (const input of [fresh, resource(former.id, 'another-uid')]) {
      const results = await together(subject, 20, (store) => adopt(input, store))
      expect(results.filter((result) => result !== undefined)).toHaveLength(1)
      expect(kindsOf(await told(subject.store, subject.now()))).toEqual(['launched'])
    }
    expect((await subject.store.find(former.id))?.firing).toBe(1)
  })
}
