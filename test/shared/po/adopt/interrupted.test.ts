/** The move is broken at every single call, or its process dies there: the next one completes it, and the pod never knew. */
import { afterAll, describe, expect, test } from 'vitest'
import { takeOver } from '../../../../shared/po/adopt/adopt.ts'
import { type AdoptPorts, survey } from '../../../../shared/po/adopt/survey.ts'
import type { AnalysisId, RunNumber } from '../../../../shared/po/model.ts'
import { runName } from '../../../../shared/po/names.ts'
import { sweep } from '../../../../shared/po/reconcile/sweep.ts'
import { remove } from '../../../../shared/po/remove.ts'
import { objectsOf } from '../aftermath.ts'
import type { CallName } from '../fixture.ts'
import { startFormerNode } from './former-node.ts'

const node = await startFormerNode()
afterAll(() => node.stopAll())

async function move(ports: AdoptPorts): Promise<void> {
  const found = await survey(ports, { finish: false, force: false })
  await takeOver(ports, found, () => {})
}

async function clear(): Promise<void> {
  await remove(node.ports, undefined)
  await node.database.query((sql) => sql`truncate public.analysis, public.archive`)
  for (let round = 0; round < 4; round += 1) {
    node.advance(30)
    await sweep(node.ports)
    await node.ports.sleep(20)
  }
}

/** The calls that a move makes when all goes well; the first one of all also puts the standing policy in place. */
async function callsOfMove(): Promise<CallName[]> {
  await node.deploy(2)
  const { ports, calls } = node.breaking(undefined, node.ports)
  await move(ports)
  await clear()
  return calls
}
await callsOfMove()
const calls = await callsOfMove()

const uidOf = async (id: AnalysisId) => (await node.podsOf(runName(id, 2 as RunNumber))).map(({ name }) => name)

async function expectWhole(id: AnalysisId, pods: readonly string[]): Promise<void> {
  await move(node.ports)
  expect(await uidOf(id)).toEqual(pods)
  expect(await node.ports.store.find(id)).toMatchObject({ state: 'executing', run: 2, firstRun: 2, restarts: 0 })
  const { objects, client } = await node.owned(id)
  expect(objects.map((name) => name.replace(id, '…')).toSorted()).toEqual(objectsOf(2, 2))
  expect(client).toBe(true)
  expect(node.hub.told(id).statuses.filter(({ status }) => status !== 'executing')).toEqual([])
}

const points = calls.map((name, at) => ({ name, at }))

test('a move makes calls', () => expect(points.length).toBeGreaterThan(20))

describe.each(['before', 'after'] as const)('a fault %s', (when) => {
  test.each(points)('call $at, $name', async ({ at }) => {
    const id = await node.deploy(2)
    const pods = await uidOf(id)
    const { ports } = node.breaking({ at, when }, node.ports)
    await move(ports).catch(() => {})
    await expectWhole(id, pods)
    await clear()
  })
})

describe('death after', () => {
  test.each(points)('call $at, $name', async ({ at }) => {
    const id = await node.deploy(2)
    const pods = await uidOf(id)
    const { ports, dead } = node.dying(at, node.ports)
    const survived = move(ports).catch(() => {})
    await Promise.race([dead, survived])
    await expectWhole(id, pods)
    await clear()
  })
})
