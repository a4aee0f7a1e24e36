/**
 * The product's use cases in a world that one seed decides: clock, order of all calls, faults, callers, Kubernetes,
 * Keycloak, Hub and the analyses themselves. Whatever a seed did it does again.
 *
 * Owns: how the parts are put together, and the end of a seed. May import shared/, never an adapter: the store is given.
 */

import { changeType } from '../../shared/po/events.ts'
import type { AnalysisId, RunNumber } from '../../shared/po/model.ts'
import { CHANGES } from '../../shared/po/model.ts'
import { credentialsName } from '../../shared/po/names.ts'
import { CREDENTIAL_KEYS, standingPolicy } from '../../shared/po/objects/index.ts'
import type { Ports, Store } from '../../shared/po/ports.ts'
import type { PoSettings } from '../../shared/po/settings.ts'
import { createClusterModel } from './cluster/index.ts'
import { keyOf, ownersOf, type Pod, type Thing } from './cluster/objects.ts'
import { planOf } from './core/plan.ts'
import { createGate } from './core/processes.ts'
import { createRandom, type Random } from './core/random.ts'
import { createTimeline } from './core/timeline.ts'
import { createTrace } from './core/trace.ts'
import { createLedger } from './invariants/ledger.ts'
import { unrest } from './invariants/rest.ts'
import { type PromiseName, type WatchDeps, watchLedger, watchWorld } from './invariants/watch.ts'
import { createMemoryStore } from './store/index.ts'
import { createCallers } from './workload/callers.ts'
import { createHands } from './workload/hands.ts'
import { createPool } from './workload/pool.ts'
import { portsOf } from './workload/ports.ts'
import { createTicker } from './workload/ticker.ts'
import { createAnalyses, runOf } from './world/analysis.ts'
import { createHubModel } from './world/hub.ts'
import { createIdentityModel } from './world/identity.ts'

/** A fault that is built in on purpose, around the product. */
export interface Plant {
  readonly store?: (store: Store) => Store
  readonly ports?: (ports: Ports) => Ports
}

export interface SimulationOptions {
  readonly seed: number
  readonly trace?: boolean
  readonly plant?: Plant
  readonly store?: (now: () => Date) => Store
}

export interface Outcome {
  readonly seed: number
  /** The promise that was broken first, and by what. */
  readonly broken: { readonly promise: PromiseName; readonly what: unknown } | undefined
  readonly steps: number
  readonly seconds: number
  readonly trace: readonly string[]
  readonly hash: string
}

const INTERVAL_SECONDS = 10
/** Sweeps after the faults have stopped until all must be well. */
const SWEEPS_TO_REST = 90
/** And sweeps for which it must stay so. */
const SWEEPS_AT_REST = 2

const settingsOf = (plan: ReturnType<typeof planOf>): PoSettings => ({
  run: {
    namespace: 'simulated',
    clusterDomain: 'cluster.local',
    resolver: '10.96.0.10',
    nginxImage: 'nginx:1',
    netStatsImage: null,
    podSecurity: 'baseline',
    cpuRequest: '',
    cpuLimit: '',
    memoryRequest: '',
    memoryLimit: '',
    node: 'node-a',
  },
  registry: { url: 'harbor.example', user: 'robot', password: 'unused' },
  hubLogging: plan.hubLogging,
  intervalSeconds: INTERVAL_SECONDS,
  restartMax: plan.restartMax,
  budgets: { startupSeconds: 60, silenceSeconds: 60 },
  fanout: plan.fanout,
  hubBacklogLines: 10,
  zombieGraceSeconds: 60,
  archive: { maxAgeDays: 0, maxMiB: 0 },
})

/** Ids of version 4 but for a few, which the Hub does not take. */
function newId(random: Random): AnalysisId {
  const hex = (digits: number) => Array.from({ length: digits }, () => random.whole(0, 15).toString(16)).join('')
  const version = random.chance(0.9) ? '4' : '7'
  return `${hex(8)}-${hex(4)}-${version}${hex(3)}-a${hex(3)}-${hex(12)}` as AnalysisId
}

const settled = () => new Promise<void>((resolve) => void setImmediate(resolve))

export async function simulate(options: SimulationOptions): Promise<Outcome> {
  const random = createRandom(options.seed)
  const plan = planOf(random)
  const timeline = createTimeline()
  const { elapsed, now } = timeline
  const trace = createTrace(options.trace ?? false, timeline)
  const isBusy = () => elapsed() < plan.busyMs
  const calm = <T>(busy: T, still: T) => (isBusy() ? busy : still)
  const ids = Array.from({ length: plan.analyses }, () => newId(random))
  const strangers = new Set(ids.filter(() => random.chance(0.1)))
  const hubKnows = (id: AnalysisId) => !strangers.has(id)

  let broken: Outcome['broken']
  const onBreak: WatchDeps['broken'] = (promise, what) => {
    trace.note('!', `broken: ${promise}`, () => what)
    broken ??= { promise, what }
  }

  // Excuses: what happened to an analysis that may end its run.
  const excused = new Set<AnalysisId>()
  const unheard = new Map<AnalysisId, number>()
  const byHand = new Set<string>()
  const excuse = (id: AnalysisId, why: string) => {
    if (!excused.has(id)) trace.note('excuse', why, () => id)
    excused.add(id)
  }
  const unanswered = (id: AnalysisId) => {
    unheard.set(id, (unheard.get(id) ?? 0) + 1)
    if ((unheard.get(id) ?? 0) >= 3) excuse(id, 'polls that failed on the way')
  }

  /** With an object goes all that hangs on it. */
  const wasRemovedByHand = (thing: Thing): boolean =>
    byHand.has(thing.uid) || ownersOf(thing).some(({ uid }) => byHand.has(uid))

  const watchDeps: WatchDeps = {
    broken: onBreak,
    elapsed,
    namespace: () => model.namespace,
    ledger: () => ledger,
    isExcused: (id) => excused.has(id),
    wasRemovedByHand,
  }
  const ledger = createLedger(elapsed, watchLedger(watchDeps))
  const watch = watchWorld(watchDeps)

  const model = createClusterModel({
    timeline,
    random,
    watch,
    slowestMs: () => calm(plan.slowest, 50),
    trouble: () => calm(plan.podTrouble, 0),
    troubled: (pod, what) => excuse(runOf(pod).id, `pod ${what}`),
    started: (pod) => analyses.start(pod),
    gone: (pod) => analyses.gone(pod),
  })
  await model.cluster.apply(standingPolicy())

  const identity = createIdentityModel({
    timeline,
    tokenSeconds: plan.tokenSeconds,
    clientRemoved: watch.clientRemoved,
  })
  const polled = new Map<string, number>()
  const tokenOf = (pod: Pod): string | undefined => {
    const { id } = runOf(pod)
    const incarnation = ledger.byRun(id, runOf(pod).run)
    const root = incarnation && model.namespace.things.get(keyOf('Secret', credentialsName(id, incarnation.firstRun)))
    const entry = (root?.object['data'] as Record<string, string> | undefined)?.[CREDENTIAL_KEYS.analysisToken]
    return entry && Buffer.from(entry, 'base64').toString()
  }
  const analyses = createAnalyses({
    namespace: model.namespace,
    timeline,
    random,
    trouble: () => calm(plan.analysisTrouble, 0),
    misbehaves: (pod, how) => excuse(runOf(pod).id, `analysis ${how}`),
    streams: (line) => callers.stream(line),
    exits: model.exit,
    tokenOf,
    expiryOf: (token) => identity.tokens.get(token)?.expiresAt,
    heard: (id, run) => {
      polled.set(`${id}/${run}`, elapsed())
      unheard.delete(id)
    },
    toldOfPartners: (statuses) => {
      if (typeof statuses !== 'object' || statuses === null) onBreak('no defect', { partners: statuses })
    },
  })
  const { hub, statuses } = createHubModel({
    random,
    knows: hubKnows,
    told: watch.told,
    logged: (_, message) => watch.left('hub', message),
    refuses: () => calm(0.02, 0),
  })

  const gate = createGate({
    timeline,
    random,
    trace,
    plan,
    isBusy,
    disturbed: (part, [id]) => {
      if (part === 'sidecar') unanswered(id as AnalysisId)
    },
  })
  const memoryStore = options.store?.(now) ?? createMemoryStore(now)
  const planted = options.plant?.store?.(memoryStore) ?? memoryStore
  const toldChanges: { id: AnalysisId; key: string }[] = []
  const changeTypes = new Set(CHANGES.map(changeType))

  const behind: Omit<Parameters<typeof portsOf>[1]['behind'], never> = {
    store: ledger.over(planted),
    cluster: model.cluster,
    hub,
    sidecar: analyses.sidecar,
    broker: { unsubscribe: async () => undefined },
    sink: null,
    settings: settingsOf(plan),
  }
  const ticks = createTicker({
    pool: () => pool,
    random,
    timeline,
    plan,
    intervalMs: INTERVAL_SECONDS * 1000,
    isBusy,
  })
  const sink = ticks.broker(({ id, type, subject }) => {
    if (changeTypes.has(type)) toldChanges.push({ id: subject as AnalysisId, key: id })
  })
  const pool = createPool({
    random,
    trace,
    broken: onBreak,
    portsOf: (process) => {
      const ports = portsOf(process, {
        gate,
        timeline,
        random,
        trace,
        watch,
        broken: onBreak,
        behind: { ...behind, sink: plan.sink ? sink : null },
        identity,
      })
      return options.plant?.ports?.(ports) ?? ports
    },
  })
  const callers = createCallers({ pool, random, timeline, plan, ids, isBusy, broken: onBreak })
  const touched = (id: AnalysisId, thing?: Thing) => {
    excuse(id, 'hand')
    if (thing) byHand.add(thing.uid)
  }
  const hands = createHands({ model, random, timeline, plan, trace, isBusy, touched })

  callers.begin()
  ticks.begin()
  hands.begin()

  const intervalMs = INTERVAL_SECONDS * 1000
  let steps = 0
  let lookAt = plan.busyMs + intervalMs
  let calmSweeps = 0
  let why: readonly string[] = []
  while (!broken && calmSweeps <= SWEEPS_AT_REST) {
    const act = timeline.next()
    if (!act) break
    steps += 1
    const under = act()
    if (under) await under
    await settled()
    if (elapsed() < lookAt) continue
    lookAt += intervalMs
    why = await unrest({
      store: memoryStore,
      ledger,
      namespace: model.namespace,
      clients: identity.clients,
      hubKnows,
      isExcused: (id) => excused.has(id),
      heard: watch.heard,
      hubStatus: (id) => statuses.get(id),
      wasPolled: (id, run) => elapsed() - (polled.get(`${id}/${run}`) ?? -Infinity) <= 3 * intervalMs,
      toldChanges,
      hasSink: plan.sink,
    })
    trace.note('rest', why.length === 0 ? 'is at rest' : 'is not at rest', () => why)
    calmSweeps = why.length === 0 ? calmSweeps + 1 : 0
    if (elapsed() > plan.busyMs + SWEEPS_TO_REST * intervalMs) onBreak('the world comes to rest', why)
  }

  return { seed: options.seed, broken, steps, seconds: elapsed() / 1000, trace: trace.lines, hash: trace.hash() }
}

export type { RunNumber }
