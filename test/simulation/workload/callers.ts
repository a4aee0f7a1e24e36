/** Requests of users and analyses to a random process. */
import { cleanup } from '../../../shared/po/cleanup.ts'
import { type CreateRequest, create } from '../../../shared/po/create.ts'
import type { Selection } from '../../../shared/po/each.ts'
import { history } from '../../../shared/po/history.ts'
import { logs } from '../../../shared/po/logs.ts'
import { type AnalysisId, NO_KONG_TOKEN, STATUS_WORDS } from '../../../shared/po/model.ts'
import { runName } from '../../../shared/po/names.ts'
import { recordLog } from '../../../shared/po/record-log.ts'
import { remove } from '../../../shared/po/remove.ts'
import { status } from '../../../shared/po/status.ts'
import { stop } from '../../../shared/po/stop.ts'
import { wholeLogs } from '../../texts.ts'
import type { Plan } from '../core/plan.ts'
import type { Random } from '../core/random.ts'
import type { Timeline } from '../core/timeline.ts'
import type { Break } from '../invariants/watch.ts'
import type { Line } from '../world/analysis.ts'
import { SECRET } from '../world/secrets.ts'
import type { Pool, Running } from './pool.ts'

export interface CallerDeps {
  readonly pool: Pool
  readonly random: Random
  readonly timeline: Timeline
  readonly plan: Plan
  readonly ids: readonly AnalysisId[]
  readonly isBusy: () => boolean
  readonly broken: Break
}

export interface Callers {
  readonly begin: () => void
  readonly stream: (line: Line) => void
}

const CALLS = {
  create: 10,
  'create at once again': 2,
  stop: 4,
  'stop and create': 2,
  delete: 3,
  'delete and create': 3,
  status: 3,
  logs: 1,
  history: 1,
  'cleanup zombies': 1,
  'cleanup keycloak': 0.5,
  'cleanup analyzes': 0.2,
  'stop all': 0.4,
  'delete all': 0.2,
} as const
type CallName = keyof typeof CALLS

const PROJECT = '6f0d1f5e-8a1b-4f0e-9a57-2f3e5a7d9c11'

export function createCallers({ pool, random, timeline, plan, ids, isBusy, broken }: CallerDeps): Callers {
  /** Sends a request, after which its process reports to the Hub. */
  const ask = async <T>(title: string, work: (process: Running) => Promise<T>): Promise<T | undefined> => {
    const process = pool.pick('api')
    const answer = await pool.serve(process, title, () => work(process))
    await pool.serve(process, `${title}, after the answer`, process.soon)
    return answer
  }

  const spelled = (id: AnalysisId): string => random.pick([id, id, id.toUpperCase(), id.replaceAll('-', '')])

  const request = (id: AnalysisId): CreateRequest => ({
    id,
    spelling: spelled(id),
    projectId: PROJECT,
    registryUrl: 'https://harbor.example/flame',
    registryUser: 'robot',
    registryPassword: `${SECRET}password`,
    image: random.chance(0.9) ? 'harbor.example/flame/mean:1' : 'harbor.example/flame/median:1',
    kongToken: random.chance(0.8) ? `${SECRET}kong` : NO_KONG_TOKEN,
    restartCounter: random.chance(0.9) ? 0 : random.whole(1, 9),
    requestedBy: null,
    progress: random.chance(0.8) ? 0 : random.whole(1, 50),
  })

  const selection = (id: AnalysisId): Selection => ({ id, spelling: spelled(id) })
  const made = (id: AnalysisId) => ask('create', ({ ports }) => create(ports, request(id)))
  const stopped = (which: Selection) => ask('stop', ({ ports }) => stop(ports, which))
  const removed = (which: Selection) => ask('delete', ({ ports }) => remove(ports, which))

  const cleaned = (words: string) => ask(`cleanup ${words}`, ({ ports }) => cleanup(ports, words))

  const asked = async (id: AnalysisId): Promise<void> => {
    const answer = await ask('status', ({ ports }) => status(ports, random.chance(0.5) ? selection(id) : undefined))
    for (const { status: word, progress } of Object.values(answer ?? {})) {
      if (!STATUS_WORDS.includes(word) || progress < 0 || progress > 100) broken('no defect', answer)
    }
  }

  const ACTS: Readonly<Record<CallName, (id: AnalysisId) => Promise<unknown>>> = {
    create: made,
    'create at once again': (id) => Promise.all([made(id), made(id)]),
    stop: (id) => stopped(selection(id)),
    'stop and create': (id) => stopped(selection(id)).then(() => made(id)),
    delete: (id) => removed(selection(id)),
    'delete and create': (id) => removed(selection(id)).then(() => made(id)),
    status: asked,
    logs: (id) => ask('logs', async ({ ports }) => wholeLogs(await logs(ports, selection(id)))),
    history: (id) => ask('history', ({ ports }) => wholeLogs(history(ports, selection(id)))),
    'cleanup zombies': () => cleaned('zombies'),
    'cleanup keycloak': () => cleaned('keycloak'),
    'cleanup analyzes': () => cleaned('analyzes'),
    'stop all': () => stopped(undefined),
    'delete all': () => removed(undefined),
  }

  const next = (): void =>
    timeline.after((random.next() * 120_000) / plan.userCalls, () => {
      if (!isBusy()) return
      void ACTS[random.weighted(CALLS)](random.pick(ids))
      next()
    })

  return {
    begin: () => {
      for (const id of ids) timeline.after(random.whole(0, 3000), () => void made(id))
      next()
    },
    stream: ({ id, run, message, status: word, progress }) => {
      const runHeader = random.chance(0.9) ? runName(id, run) : undefined
      const line = { id, level: 'info' as const, message, status: word, progress, runHeader }
      void ask('stream_logs', ({ ports }) => recordLog(ports, line))
    },
  }
}
