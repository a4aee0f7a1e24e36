/**
 * kill -9 between any two calls of every action: the process dies after call i, its leases run out, others sweep, and the
 * world has converged. The points are the calls that the action makes when it lives; each title names one.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mapConcurrent } from '../../../shared/platform/concurrency.ts'
import { type CreateRequest, create } from '../../../shared/po/create.ts'
import { remove } from '../../../shared/po/remove.ts'
import { type Aftermath, aftermath, settle } from './aftermath.ts'
import { type CallName, request, startFixture } from './fixture.ts'
import { type Action, createActions } from './kill-actions.ts'
import { createPods } from './pods-by-hand.ts'

const fixture = await startFixture({}, { withSink: true })
afterAll(() => fixture.stop())
const actions = Object.entries(createActions(fixture, createPods(fixture.kubernetes)))
// The first create of all puts the standing policy in place, which later ones only read.
await create(fixture.ports, request())
await remove(fixture.ports, undefined)

/** The calls that an action makes when it lives. */
async function callsOf({ prepare, later = 0, act }: Action): Promise<CallName[]> {
  const wanted = request()
  await prepare(wanted)
  fixture.advance(later)
  const { ports, calls } = fixture.breaking(undefined)
  await act(ports, wanted)
  await remove(fixture.ports, undefined)
  return calls
}

/** Those of `request()`, and any token. */
const SECRETS = /pässwörd|kong-secret-token|eyJ[\w-]+\.eyJ/

interface Death {
  readonly wanted: CreateRequest
  readonly died: boolean
  readonly calls: readonly CallName[]
}

/** The action, and its end after call `at`. */
async function killAt({ act }: Action, wanted: CreateRequest, at: number): Promise<Death> {
  const { ports, calls, dead } = fixture.dying(at)
  const survived = act(ports, wanted).then(() => false)
  return { wanted, died: await Promise.race([dead.then(() => true), survived]), calls }
}

async function killAll(action: Action, points: number): Promise<Death[]> {
  const wanted = Array.from({ length: points }, () => request())
  const failures = (await mapConcurrent(wanted, 8, action.prepare)).filter(({ status }) => status === 'rejected')
  expect(failures).toEqual([])
  fixture.advance(action.later ?? 0)
  const deaths = await mapConcurrent([...wanted.entries()], 8, ([at, one]) => killAt(action, one, at))
  return deaths.map((death) => {
    if (death.status === 'rejected') throw death.reason
    return death.value
  })
}

async function killOneByOne(action: Action, points: number) {
  const deaths: (Death & { after: Aftermath })[] = []
  for (let at = 0; at < points; at += 1) {
    const wanted = request()
    await action.prepare(wanted)
    const death = await killAt(action, wanted, at)
    await settle(fixture)
    deaths.push({ ...death, after: await aftermath(fixture, wanted.id) })
    await remove(fixture.ports, undefined)
  }
  return deaths
}

async function killTogether(action: Action, points: number) {
  const deaths = await killAll(action, points)
  await settle(fixture)
  return Promise.all(deaths.map(async (death) => ({ ...death, after: await aftermath(fixture, death.wanted.id) })))
}

const table: [string, Action, CallName[]][] = []
for (const [name, action] of actions) table.push([name, action, await callsOf(action)])

describe.each(table)('%s', (name, action, calls) => {
  let deaths: (Death & { after: Aftermath })[] = []

  beforeAll(async () => {
    deaths = await (action.onAll ? killOneByOne : killTogether)(action, calls.length)
  })
  afterAll(async () => {
    await remove(fixture.ports, undefined)
    fixture.answers.clear()
    await settle(fixture, 2)
  })

  test.each(calls.map((call, at) => [at + 1, call] as const))(`${name}, killed after %i: %s`, (number) => {
    const death = deaths[number - 1]
    expect(death?.died).toBe(true)
    expect(death?.calls).toHaveLength(number)
    expect(death?.after).toEqual(action.result(death?.calls ?? []))
  })

  test(`${name}: no secret came into the database, a log or an event`, async () => {
    const written = [await fixture.dump(), JSON.stringify(fixture.logged), JSON.stringify(fixture.emitted)]
    for (const text of written) expect(text).not.toMatch(SECRETS)
    expect(written.join().length).toBeGreaterThan(10_000)
  })
})
