/**
 * One fault at every single call of create, stop and delete, before it took effect and after: what is left is everything
 * or nothing, at the latest after the same request again or after a sweep.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { create } from '../../../shared/po/create.ts'
import type { AnalysisId } from '../../../shared/po/model.ts'
import type { PoPorts } from '../../../shared/po/ports.ts'
import { sweep } from '../../../shared/po/reconcile/sweep.ts'
import { remove } from '../../../shared/po/remove.ts'
import { stop } from '../../../shared/po/stop.ts'
import { controllersIdle } from '../../sandbox/kubernetes/queue.ts'
import { type CallName, type Fixture, request, startFixture } from './fixture.ts'

let fixture: Fixture
beforeAll(async () => {
  fixture = await startFixture()
  // The first create of all puts the standing policy in place, which later ones only read.
  await create(fixture.ports, request())
})
afterAll(() => fixture.stop())

const OBJECTS_OF_A_RUN = 9

/** What an analysis amounts to: a state in the database and all or none of its objects. */
async function whatIsLeft(id: AnalysisId): Promise<'nothing' | 'everything' | string> {
  const { objects, client } = await fixture.owned(id)
  const state = (await fixture.ports.store.find(id))?.state
  const live = state === 'started' || state === 'executing'
  if (live && objects.length === OBJECTS_OF_A_RUN && client) return 'everything'
  if ((state === undefined || state === 'stopped') && objects.length === 0 && !client) return 'nothing'
  return `${state}, client ${client}, ${objects.length} objects: ${objects.join(', ')}`
}

/** Answered that the first create is still under way: if that one died, the sweep completes it or takes it back. */
const isStarting = (answer: unknown, spelling: string): boolean =>
  (answer as Record<string, unknown> | undefined)?.[spelling] === 'starting'

/** Sweeps after every lease and back-off has ended, until removals are through. */
async function settle(): Promise<void> {
  for (let round = 0; round < 3; round += 1) {
    fixture.advance(90)
    await sweep(fixture.ports)
    await controllersIdle()
  }
}

type Act = (ports: PoPorts, spelling: string, id: AnalysisId) => Promise<unknown>
const ACTS: Record<'create' | 'stop' | 'delete', { act: Act; prepared: boolean; result: 'everything' | 'nothing' }> = {
  create: { act: (ports, spelling) => create(ports, request({ spelling })), prepared: false, result: 'everything' },
  stop: { act: (ports, spelling, id) => stop(ports, { spelling, id }), prepared: true, result: 'nothing' },
  delete: { act: (ports, spelling, id) => remove(ports, { spelling, id }), prepared: true, result: 'nothing' },
}

async function prepared(name: keyof typeof ACTS) {
  const wanted = request()
  if (ACTS[name].prepared) await create(fixture.ports, wanted)
  return wanted
}

/** The calls that an act makes when nothing fails. */
async function callsOf(name: keyof typeof ACTS): Promise<CallName[]> {
  const { id, spelling } = await prepared(name)
  const { ports, calls } = fixture.breaking(undefined)
  await ACTS[name].act(ports, spelling, id)
  return calls
}

async function failAt(name: keyof typeof ACTS, at: number, when: 'before' | 'after') {
  const wanted = await prepared(name)
  const { ports, calls } = fixture.breaking({ at, when })
  const failed = await ACTS[name].act(ports, wanted.spelling, wanted.id).then(
    () => false,
    () => true,
  )
  return { ...wanted, failed, call: calls[at] }
}

describe.each(['create', 'stop', 'delete'] as const)('%s', (name) => {
  const { act, result } = ACTS[name]

  test('fails at each of its calls and the sweep leaves all or nothing', async () => {
    const calls = await callsOf(name)
    expect(calls.length).toBeGreaterThan(5)
    for (const when of ['before', 'after'] as const) {
      for (const [at, expected] of calls.entries()) {
        const { id, spelling, call } = await failAt(name, at, when)
        expect(call).toBe(expected)
        await settle()
        expect(['everything', 'nothing'], `${when} ${at} ${call}`).toContain(await whatIsLeft(id))
        await remove(fixture.ports, { id, spelling })
      }
    }
  }, 240_000)

  test('fails at each of its calls and the same request again does it', async () => {
    const calls = await callsOf(name)
    for (const when of ['before', 'after'] as const) {
      for (const at of calls.keys()) {
        const { id, spelling, call } = await failAt(name, at, when)
        const answer = await act(fixture.ports, spelling, id).catch(() => undefined)
        await settle()
        const allowed = isStarting(answer, spelling) ? ['everything', 'nothing'] : [result]
        expect(allowed, `${when} ${at} ${call}`).toContain(await whatIsLeft(id))
        await remove(fixture.ports, { id, spelling })
      }
    }
  }, 240_000)
})
