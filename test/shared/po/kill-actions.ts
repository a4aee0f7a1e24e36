/** What a process may be doing when it is killed: how each action is prepared and done, and what it must come to. */
import { applyRoot, applyRun, requirePeers, runInput } from '../../../shared/po/apply-run.ts'
import { cleanup } from '../../../shared/po/cleanup.ts'
import { type CreateRequest, create } from '../../../shared/po/create.ts'
import { recordEnd } from '../../../shared/po/ending.ts'
import type { Analysis } from '../../../shared/po/model.ts'
import { runName } from '../../../shared/po/names.ts'
import type { SdkStatus } from '../../../shared/po/ports/analysis-api.ts'
import type { PoPorts } from '../../../shared/po/ports.ts'
import { publishChanges } from '../../../shared/po/publish.ts'
import { reconcileOne } from '../../../shared/po/reconcile/reconcile.ts'
import { recordLog } from '../../../shared/po/record-log.ts'
import { releaseByKey } from '../../../shared/po/release.ts'
import { remove } from '../../../shared/po/remove.ts'
import { deliver } from '../../../shared/po/report.ts'
import { stop } from '../../../shared/po/stop.ts'
import { type Aftermath, archived, ended, nothing, running } from './aftermath.ts'
import type { CallName, Fixture } from './fixture.ts'
import type { Pods } from './pods-by-hand.ts'

export interface Action {
  /** Makes what it is to act on. */
  readonly prepare: (wanted: CreateRequest) => Promise<unknown>
  /** Seconds between that and the act. */
  readonly later?: number
  readonly act: (ports: PoPorts, wanted: CreateRequest) => Promise<unknown>
  /** What it must come to when these were the calls of the dead process. */
  readonly result: (calls: readonly CallName[]) => Aftermath
  /** It acts on all there is, so that one dies after the other. */
  readonly onAll?: boolean
}

const count = (calls: readonly CallName[], name: CallName) => calls.filter((call) => call === name).length
/** That of a run: the standing one is there before. */
const hasPolicy = (calls: readonly CallName[]): boolean => calls.includes('cluster.apply NetworkPolicy')
const selected = ({ id, spelling }: CreateRequest) => ({ id, spelling })
const look = (ports: PoPorts, { id }: CreateRequest) => reconcileOne(ports, id)

const TOLD = {
  takenBack: { events: ['1/starting', '1/withdrawn'] },
  started: { hub: ['started 0'], events: ['1/starting', '1/started'] },
  executing: { hub: ['started 0', 'executing 0'], events: ['1/starting', '1/started', '1/executing'] },
  stopped: {
    hub: ['started 0', 'stopped 0'],
    events: ['1/starting', '1/started', '1/stopping', '1/stopped'],
    lines: ['ANALYSISSTOPPED'],
  },
  restarted: {
    hub: ['started 0'],
    again: 1,
    events: ['1/starting', '1/started', '1/restarting', '2/starting', '2/started'],
    lines: ['ANALYSISSTARTUPERROR'],
  },
} as const

const then = (hub: readonly string[], ...states: string[]) => ({
  hub: [...TOLD.executing.hub, ...hub],
  events: [...TOLD.executing.events, ...states.map((state) => `1/${state}`)],
})

export function createActions(fixture: Fixture, pods: Pods): Readonly<Record<string, Action>> {
  const { ports } = fixture
  async function rowOf({ id }: CreateRequest): Promise<Analysis> {
    const row = await ports.store.find(id)
    if (!row) throw new Error(`no row of ${id}`)
    return row
  }

  const created = (wanted: CreateRequest) => create(ports, wanted)

  const answers = ({ id }: CreateRequest, answer: SdkStatus) =>
    fixture.answers.set(runName(id, 1 as Analysis['run']), answer)

  /** Its pod runs and answers so. */
  async function answering(wanted: CreateRequest, answer: SdkStatus) {
    await created(wanted)
    await pods.start(wanted.id, 1)
    answers(wanted, answer)
  }

  async function executing(wanted: CreateRequest) {
    await answering(wanted, 'executing')
    await look(ports, wanted)
  }

  const executingThen = (answer: SdkStatus) => async (wanted: CreateRequest) => {
    await executing(wanted)
    answers(wanted, answer)
  }

  /** A create that died as soon as it had applied the first object of this kind. */
  const createdUpTo = (kind: 'Secret' | 'NetworkPolicy') => async (wanted: CreateRequest) => {
    const doomed = fixture.dying((calls) => calls.includes(`cluster.apply ${kind}`))
    void create(doomed.ports, wanted)
    await doomed.dead
  }

  async function restarting(wanted: CreateRequest) {
    await answering(wanted, 'stuck')
    await look(ports, wanted)
    if ((await rowOf(wanted)).state !== 'restarting') throw new Error('it does not restart')
  }

  /** Everything that a run consists of, and no row. */
  async function orphaned({ id, projectId, image }: CreateRequest) {
    const [run, peers] = [1 as Analysis['run'], await requirePeers(ports, false)]
    const input = runInput({ id, run, firstRun: run, projectId, image, needsKong: false } as Analysis, peers, ports)
    const login = { user: 'u', password: 'p' }
    const secrets = { login, registryHost: 'harbor.example', token: 'token', kongToken: 'k' }
    await applyRun(ports, input, await applyRoot(ports, input, secrets))
  }

  async function stoppedInTheRow(wanted: CreateRequest) {
    await executing(wanted)
    await recordEnd(ports, await rowOf(wanted), { outcome: 'stopped', cause: 'because', archive: false })
  }

  async function talkative(wanted: CreateRequest) {
    await created(wanted)
    const line = { id: wanted.id, level: 'info', status: 'executing', runHeader: undefined } as const
    for (const progress of [1, 2]) {
      await recordLog(ports, { ...line, message: `ROUND${progress}: done`, progress })
    }
    await stop(ports, selected(wanted))
  }

  return {
    create: {
      prepare: async () => {},
      act: create,
      // Only the creation knows the secrets: until a policy shows that they are in Kubernetes, it can only be taken back.
      result: (calls) => {
        if (!calls.includes('store.begin')) return nothing()
        return hasPolicy(calls) ? running('started', 1, TOLD.started) : nothing(TOLD.takenBack)
      },
    },
    'create after a stop': {
      prepare: async (wanted) => {
        await created(wanted)
        await stop(ports, selected(wanted))
      },
      act: create,
      result: (calls) => {
        if (!calls.includes('store.archive')) return ended('stopped', TOLD.stopped)
        if (count(calls, 'store.begin') < 2) return archived(TOLD.stopped)
        const before = { ...TOLD.stopped, archived: 1 }
        const events = [...before.events, '2/starting']
        if (!hasPolicy(calls)) return nothing({ ...before, events: [...events, '2/withdrawn'] })
        const told = { ...before, hub: [...before.hub, 'started 0'], events: [...events, '2/started'] }
        return running('started', 2, told, 2)
      },
    },
    stop: {
      prepare: created,
      act: (ports, wanted) => stop(ports, selected(wanted)),
      result: (calls) =>
        calls.includes('store.transition stopping')
          ? ended('stopped', TOLD.stopped)
          : running('started', 1, TOLD.started),
    },
    delete: {
      prepare: created,
      act: (ports, wanted) => remove(ports, selected(wanted)),
      result: (calls) =>
        calls.includes('store.transition stopping') ? archived(TOLD.stopped) : running('started', 1, TOLD.started),
    },
    restart: {
      prepare: (wanted) => answering(wanted, 'stuck'),
      act: look,
      result: () => running('started', 2, TOLD.restarted),
    },
    'next run of a restart': { prepare: restarting, act: look, result: () => running('started', 2, TOLD.restarted) },
    'completion of a creation that was cut off': {
      prepare: createdUpTo('NetworkPolicy'),
      later: 90,
      act: look,
      result: () => running('started', 1, TOLD.started),
    },
    'taking back of a creation that was cut off': {
      prepare: createdUpTo('Secret'),
      later: 90,
      act: look,
      result: () => nothing(TOLD.takenBack),
    },
    'putting back of what others deleted': {
      prepare: async (wanted) => {
        await created(wanted)
        await ports.cluster.remove('Deployment', runName(wanted.id, 1 as Analysis['run']))
      },
      act: look,
      result: () => running('started', 1, TOLD.started),
    },
    'marking as executing': {
      prepare: (wanted) => answering(wanted, 'executing'),
      act: look,
      result: () => running('executing', 1, TOLD.executing),
    },
    'end as executed': {
      prepare: executingThen('executed'),
      act: look,
      result: () => archived(then(['executed 100'], 'executed')),
    },
    'end as failed': {
      prepare: executingThen('failed'),
      act: look,
      result: () => ended('failed', { ...then(['failed 0'], 'failed'), lines: ['ANALYSISFAILED'] }),
    },
    'end as stopped': {
      prepare: executingThen('stopped'),
      act: look,
      result: () => ended('stopped', then(['stopped 0'], 'stopping', 'stopped')),
    },
    removal: {
      prepare: stoppedInTheRow,
      act: async (ports, wanted) => releaseByKey(ports, (await rowOf(wanted)).key),
      result: () => ended('stopped', then(['stopped 0'], 'stopping', 'stopped')),
    },
    'delivery of reports': {
      prepare: talkative,
      act: (ports, { id }) => deliver(ports, new Date(ports.now().getTime() + 10_000), id),
      // The Hub hears it once more where the process died before it could note that it had been told.
      result: (calls) =>
        ended('stopped', {
          again: /^hub\.(updateStatus|createLog)/.test(calls.at(-1) ?? '') ? 1 : 0,
          events: TOLD.stopped.events,
          hub: ['started 0', 'executing 1', 'executing 2', 'stopped 2'],
          lines: ['ROUND1', 'ROUND2', 'ANALYSISSTOPPED'],
        }),
    },
    'telling of changes': {
      prepare: async (wanted) => {
        await ports.store.dropChanges()
        await created(wanted)
        await stop(ports, selected(wanted))
      },
      act: (ports) => publishChanges(ports, new Date(ports.now().getTime() + 10_000)),
      result: () => ended('stopped', TOLD.stopped),
      onAll: true,
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
        await deliver(ports, new Date(ports.now().getTime() + 10_000), wanted.id)
      },
      act: (ports) => cleanup(ports, 'analyzes'),
      result: (calls) =>
        calls.includes('store.reset')
          ? nothing({ hub: ['started 0', 'stopped 0'], events: [...TOLD.started.events, '1/withdrawn'] })
          : running('started', 1, TOLD.started),
      onAll: true,
    },
  }
}
