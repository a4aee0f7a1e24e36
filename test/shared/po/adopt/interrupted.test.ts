/**
 * The move is broken at every single call, or its process dies there: the next one completes it, and everything is as after
 * a move that nothing disturbed. The pod of an analysis that goes on never knew.
 */
import { randomUUID } from 'node:crypto'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { takeOver } from '../../../../shared/po/adopt/adopt.ts'
import { survey } from '../../../../shared/po/adopt/survey.ts'
import type { AnalysisId, RunNumber } from '../../../../shared/po/model.ts'
import { COMPONENT, proxyName, runName } from '../../../../shared/po/names.ts'
import type { AdoptPorts } from '../../../../shared/po/ports/adopt.ts'
import { remove } from '../../../../shared/po/remove.ts'
import { sampled } from '../../../sampled.ts'
import { aftermath, ended, running, settle } from '../aftermath.ts'
import type { CallName } from '../fixture.ts'
import { startFormerNode } from './former-node.ts'

const node = await startFormerNode()
afterAll(() => node.stopAll())

interface Scenario {
  readonly name: string
  /** What was deployed of it, a row for each; the last one counts. */
  readonly runs: readonly number[]
  readonly finish: boolean
}

const SCENARIOS: readonly Scenario[] = [
  { name: 'an analysis that goes on, a run before it was left behind', runs: [1, 2], finish: false },
  { name: 'an analysis that is stopped, a run before it was left behind', runs: [1, 2], finish: true },
]

async function move(ports: AdoptPorts, finish: boolean): Promise<void> {
  const found = await survey(ports, { finish, force: false })
  await takeOver(ports, found, () => {})
}

async function deploy({ runs }: Scenario): Promise<AnalysisId> {
  const id = randomUUID() as AnalysisId
  for (const run of runs) await node.deploy(run, { id })
  node.answers.set(id, 'executing')
  return id
}

/** A pod is listed until its process has ended; what waits for that is done by the next sweeps. */
const PATIENCE = { timeout: 20_000, interval: 10 }

async function leftAfterSweep() {
  await settle(node, 1)
  const [rows, removals, pods] = await Promise.all([
    node.ports.store.list(),
    node.ports.store.pendingRemovals(),
    node.ports.cluster.pods({ component: COMPONENT.analysis }),
  ])
  return { rows: rows.length, removals: removals.length, pods: pods.length }
}

async function clear(): Promise<void> {
  await remove(node.ports, undefined)
  await node.database.query((sql) => sql.unsafe('delete from public.analysis; delete from public.archive'))
  await vi.waitFor(async () => expect(await leftAfterSweep()).toEqual({ rows: 0, removals: 0, pods: 0 }), PATIENCE)
}

/** The calls that a move makes when all goes well. */
async function callsOf(scenario: Scenario): Promise<CallName[]> {
  await deploy(scenario)
  const { ports, calls } = node.breaking(undefined, node.ports)
  await move(ports, scenario.finish)
  await clear()
  return calls
}

const podNames = async (app: string) => (await node.podsOf(app)).map(({ name }) => name)
const podsOf = (id: AnalysisId) => podNames(runName(id, 2 as RunNumber))

const STOPPED = {
  ...ended('stopped', { hub: ['stopped 40'], lines: ['ANALYSISSTOPPED'] }),
  row: 'stopped 2',
}

async function seenAfterSweep(id: AnalysisId) {
  await settle(node, 1)
  const [{ again, events, ...whole }, pods, former, proxies] = await Promise.all([
    aftermath(node, id),
    podsOf(id),
    podNames(runName(id, 1 as RunNumber)),
    podNames(proxyName(id, 2 as RunNumber)),
  ])
  return { whole, again, events, pods, former: former.length, proxies: proxies.length }
}

async function expectWhole(id: AnalysisId, { runs, finish }: Scenario, pods: readonly string[]): Promise<void> {
  await move(node.ports, finish)
  const [firstRun = 2] = runs
  if (!finish) {
    expect(await node.ports.store.find(id)).toMatchObject({ state: 'executing', run: 2, firstRun, restarts: 0 })
  }
  const { again: _, events: __, ...whole } = finish ? STOPPED : running('executing', 2, {}, firstRun)
  const expected = { whole, pods: finish ? [] : pods, former: 0, proxies: finish ? 0 : 1 }
  await expect.poll(() => seenAfterSweep(id), PATIENCE).toMatchObject(expected)
  // Further sweeps leave it so.
  const { again, events } = await seenAfterSweep(id)
  expect(await seenAfterSweep(id)).toEqual({ ...expected, again, events })
  // What was said once may be said again by the process that came after; nothing else is said.
  expect(again).toBeLessThanOrEqual(2)
  expect(new Set(events).size).toBe(events.length)
}

// The first move of all also puts the standing policy in place.
for (const scenario of SCENARIOS.slice(0, 1)) await callsOf(scenario)
const scenarios: { scenario: Scenario; calls: readonly CallName[] }[] = []
for (const scenario of SCENARIOS) scenarios.push({ scenario, calls: await callsOf(scenario) })

describe.each(scenarios)('$scenario.name', ({ scenario, calls }) => {
  const points = sampled(calls.map((name, at) => ({ name, at })))
  test('takes calls', () => expect(calls.length).toBeGreaterThan(20))

  test('is whole after a move that nothing disturbed', async () => {
    const id = await deploy(scenario)
    const pods = await podsOf(id)
    await move(node.ports, scenario.finish)
    await expectWhole(id, scenario, pods)
    await clear()
  })

  describe.each(['before', 'after'] as const)('a fault %s', (when) => {
    test.each(points)('call $at, $name', async ({ at }) => {
      const id = await deploy(scenario)
      const pods = await podsOf(id)
      await move(node.breaking({ at, when }, node.ports).ports, scenario.finish).catch(() => {})
      await expectWhole(id, scenario, pods)
      await clear()
    })
  })

  describe('death after', () => {
    test.each(points)('call $at, $name', async ({ at }) => {
      const id = await deploy(scenario)
      const pods = await podsOf(id)
      const { ports, dead } = node.dying(at, node.ports)
      await Promise.race([dead, move(ports, scenario.finish).catch(() => {})])
      await expectWhole(id, scenario, pods)
      await clear()
    })
  })
})
