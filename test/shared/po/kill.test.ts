/**
 * kill -9 between any two calls of every action: the process dies after call i, its leases run out, others sweep, and the
 * world has converged. The points are the calls that the action makes when it lives; each title names one.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { applyRoot, applyRun, requirePeers, runInput } from '../../../shared/po/apply-run.ts'
import { cleanup } from '../../../shared/po/cleanup.ts'
import { type CreateRequest, create } from '../../../shared/po/create.ts'
import { recordEnd } from '../../../shared/po/ending.ts'
import type { Analysis, AnalysisId } from '../../../shared/po/model.ts'
import { runName } from '../../../shared/po/names.ts'
import type { Ports, SdkStatus } from '../../../shared/po/ports.ts'
import { reconcileOne } from '../../../shared/po/reconcile/one.ts'
import { recordLog } from '../../../shared/po/record-log.ts'
import { releaseByKey } from '../../../shared/po/release.ts'
import { remove } from '../../../shared/po/remove.ts'
import { deliver } from '../../../shared/po/report.ts'
import { sideBySide } from '../../../shared/po/side-by-side.ts'
import { stop } from '../../../shared/po/stop.ts'
import { type Aftermath, aftermath, archived, ended, nothing, running, settle } from './aftermath.ts'
import { type CallName, request, startFixture } from './fixture.ts'
import { createPods } from './pods-by-hand.ts'

const fixture = await startFixture()
const pods = createPods(fixture.kubernetes)
afterAll(() => fixture.stop())
// The first create of all puts the standing policy in place, which later ones only read.
await create(fixture.ports, request())
await remove(fixture.ports, undefined)

interface Action {
  /** Makes what it is to act on. */
  readonly prepare: (wanted: CreateRequest) => Promise<unknown>
  /** Seconds between that and the act. */
  readonly later?: number
  readonly act: (ports: Ports, wanted: CreateRequest) => Promise<unknown>
  /** What it must come to when these were the calls of the dead process. */
  readonly result: (calls: readonly CallName[]) => Aftermath
  /** It acts on all there is, so that one dies after the other. */
  readonly onAll?: boolean
}

const count = (calls: readonly CallName[], name: CallName) => calls.filter((call) => call === name).length
const selected = ({ id, spelling }: CreateRequest) => ({ id, spelling })
const look = (ports: Ports, { id }: CreateRequest) => reconcileOne(ports, id)

async function rowOf({ id }: CreateRequest): Promise<Analysis> {
  const row = await fixture.ports.store.find(id)
  if (!row) throw new Error(`no row of ${id}`)
  return row
}

const created = (wanted: CreateRequest) => create(fixture.ports, wanted)

const answer1 = ({ id }: CreateRequest, answer: SdkStatus) =>
  fixture.answers.set(runName(id, 1 as Analysis['run']), answer)

/** Its pod runs and answers so. */
async function answering(wanted: CreateRequest, answer: SdkStatus) {
  await created(wanted)
  await pods.start(wanted.id, 1)
  answer1(wanted, answer)
}

async function executing(wanted: CreateRequest) {
  await answering(wanted, 'executing')
  await look(fixture.ports, wanted)
}

const executingThen = (answer: SdkStatus) => async (wanted: CreateRequest) => {
  await executing(wanted)
  answer1(wanted, answer)
}

/** A create that died as soon as it had applied its first (root) or second (pull) Secret. */
const createdUpTo = (secrets: number) => async (wanted: CreateRequest) => {
  const calls = await callsOf('create')
  const at = calls.indexOf('cluster.apply Secret') + secrets - 1
  const { ports, dead } = fixture.dying(at)
  void create(ports, wanted)
  await dead
}

async function restarting(wanted: CreateRequest) {
  await answering(wanted, 'stuck')
  await look(fixture.ports, wanted)
  expect((await rowOf(wanted)).state).toBe('restarting')
}

/** Everything that a run consists of, and no row. */
async function orphaned({ id, projectId, image }: CreateRequest) {
  const { ports } = fixture
  const [run, peers] = [1 as Analysis['run'], await requirePeers(ports, false)]
  const input = runInput({ id, run, firstRun: run, projectId, image, needsKong: false } as Analysis, peers, ports)
  const secrets = { registryUser: 'u', registryPassword: 'p', kongToken: 'k' }
  await applyRun(ports, input, await applyRoot(ports, input, 'token', secrets, 'harbor.example'))
}

async function stoppedInTheRow(wanted: CreateRequest) {
  await executing(wanted)
  await recordEnd(fixture.ports, await rowOf(wanted), { outcome: 'stopped', cause: 'because', archive: false })
}

async function talkative(wanted: CreateRequest) {
  await created(wanted)
  const line = { id: wanted.id, level: 'info', status: 'executing', runHeader: undefined } as const
  for (const progress of [1, 2])
    await recordLog(fixture.ports, { ...line, message: `ROUND${progress}: done`, progress })
  await stop(fixture.ports, selected(wanted))
}

const STARTED = { hub: ['started 0'] }
const EXECUTING = { hub: ['started 0', 'executing 0'] }
const STOPPED = { hub: ['started 0', 'stopped 0'], lines: ['ANALYSISSTOPPED'] }
const RESTARTED = { hub: ['started 0'], lines: ['ANALYSISSTARTUPERROR'] }

const ACTIONS: Readonly<Record<string, Action>> = {
  create: {
    prepare: async () => {},
    act: create,
    // Only the creation knows the secrets: until both are in Kubernetes it can only be taken back.
    result: (calls) => (count(calls, 'cluster.apply Secret') < 2 ? nothing() : running('started', 1, STARTED)),
  },
  stop: {
    prepare: created,
    act: (ports, wanted) => stop(ports, selected(wanted)),
    result: (calls) =>
      calls.includes('store.transition stopping') ? ended('stopped', STOPPED) : running('started', 1, STARTED),
  },
  delete: {
    prepare: created,
    act: (ports, wanted) => remove(ports, selected(wanted)),
    result: (calls) =>
      calls.includes('store.transition stopping') ? archived(STOPPED) : running('started', 1, STARTED),
  },
  restart: {
    prepare: (wanted) => answering(wanted, 'stuck'),
    act: look,
    result: () => running('started', 2, RESTARTED),
  },
  'next run of a restart': { prepare: restarting, act: look, result: () => running('started', 2, RESTARTED) },
  'completion of a creation that was cut off': {
    prepare: createdUpTo(2),
    later: 90,
    act: look,
    result: () => running('started', 1, STARTED),
  },
  'taking back of a creation that was cut off': {
    prepare: createdUpTo(1),
    later: 90,
    act: look,
    result: () => nothing(),
  },
  'putting back of what others deleted': {
    prepare: async (wanted) => {
      await created(wanted)
      await fixture.ports.cluster.remove('Deployment', runName(wanted.id, 1 as Analysis['run']))
    },
    act: look,
    result: () => running('started', 1, STARTED),
  },
  'marking as executing': {
    prepare: (wanted) => answering(wanted, 'executing'),
    act: look,
    result: () => running('executing', 1, EXECUTING),
  },
  'end as executed': {
    prepare: executingThen('executed'),
    act: look,
    result: () => archived({ hub: [...EXECUTING.hub, 'executed 100'] }),
  },
  'end as failed': {
    prepare: executingThen('failed'),
    act: look,
    result: () => ended('failed', { hub: [...EXECUTING.hub, 'failed 0'], lines: ['ANALYSISFAILED'] }),
  },
  'end as stopped': {
    prepare: executingThen('stopped'),
    act: look,
    result: () => ended('stopped', { hub: [...EXECUTING.hub, 'stopped 0'] }),
  },
  removal: {
    prepare: stoppedInTheRow,
    act: async (ports, wanted) => releaseByKey(ports, (await rowOf(wanted)).key),
    result: () => ended('stopped', { hub: [...EXECUTING.hub, 'stopped 0'] }),
  },
  'delivery of reports': {
    prepare: talkative,
    act: (ports, { id }) => deliver(ports, new Date(ports.now().getTime() + 10_000), id),
    result: () =>
      ended('stopped', {
        hub: ['started 0', 'executing 1', 'executing 2', 'stopped 2'],
        lines: ['ROUND1', 'ROUND2', 'ANALYSISSTOPPED'],
      }),
  },
  'cleanup of zombies': {
    prepare: orphaned,
    act: (ports) => cleanup(ports, 'zombies'),
    result: () => nothing(),
    onAll: true,
  },
  'cleanup of all analyses': {
    prepare: async (wanted) => {
      await created(wanted)
      await deliver(fixture.ports, new Date(fixture.ports.now().getTime() + 10_000), wanted.id)
    },
    act: (ports) => cleanup(ports, 'analyzes'),
    result: (calls) =>
      calls.includes('store.reset') ? nothing({ hub: ['started 0', 'stopped 0'] }) : running('started', 1, STARTED),
    onAll: true,
  },
}

const measured = new Map<string, Promise<CallName[]>>()

/** The calls that an action makes when it lives. */
function callsOf(name: string): Promise<CallName[]> {
  const known = measured.get(name) ?? measure(name)
  measured.set(name, known)
  return known
}

async function measure(name: string): Promise<CallName[]> {
  const { prepare, later = 0, act } = ACTIONS[name] as Action
  const wanted = request()
  await prepare(wanted)
  fixture.advance(later)
  const { ports, calls } = fixture.breaking(undefined)
  await act(ports, wanted)
  await remove(fixture.ports, undefined)
  return calls
}

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
  const failures = (await sideBySide(wanted, 8, action.prepare)).filter(({ status }) => status === 'rejected')
  expect(failures).toEqual([])
  fixture.advance(action.later ?? 0)
  const deaths = await sideBySide([...wanted.entries()], 8, ([at, one]) => killAt(action, one, at))
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

const table: [string, CallName[]][] = []
for (const name of Object.keys(ACTIONS)) table.push([name, await callsOf(name)])

describe.each(table)('%s', (name, calls) => {
  const action = ACTIONS[name] as Action
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
})
