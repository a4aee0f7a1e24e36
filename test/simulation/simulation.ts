/**
 * Runs the product's use cases in a simulated world: one seed decides clock, order of calls, faults, callers, Kubernetes,
 * Keycloak, Hub and the analyses. A seed always replays the same steps.
 *
 * `core` has random numbers, time, processes and the gate; `store`, `cluster` and `world` implement the ports; `workload` has
 * the callers; `invariants` the checks. May import shared/, but no adapter: another store is passed in.
 */
import type { AnalysisId } from '../../shared/po/model.ts'
import type { PoStore } from '../../shared/po/ports/store.ts'
import type { PoPorts } from '../../shared/po/ports.ts'
import type { Namespace } from './cluster/objects.ts'
import type { Random } from './core/random.ts'
import { createStage, INTERVAL_MS } from './core/stage.ts'
import { createExcuses } from './invariants/excuses.ts'
import { createLedger, type Ledger } from './invariants/ledger.ts'
import { unrest } from './invariants/rest.ts'
import { type PromiseName, type WatchDeps, watchLedger, watchWorld } from './invariants/watch.ts'
import { createMemoryStore } from './store/index.ts'
import { createWorkload } from './workload/index.ts'
import { settingsOf } from './workload/settings.ts'
import type { Line } from './world/analysis.ts'
import { createWorld } from './world/index.ts'

/** A planted fault, which wraps the product's ports. */
export interface Plant {
  readonly store?: (store: PoStore) => PoStore
  readonly ports?: (ports: PoPorts) => PoPorts
  /** A faulty store. */
  readonly place?: (now: () => Date) => PoStore
}

export interface SimulationOptions {
  readonly seed: number
  /** Records the steps, which takes half as much time again. */
  readonly trace?: boolean
  readonly plant?: Plant
  /** The store; default: in memory. */
  readonly store?: (now: () => Date) => PoStore
  /** Promises that are not checked. */
  readonly except?: readonly string[]
}

export interface Outcome {
  readonly seed: number
  /** The first broken promise, and its evidence. */
  readonly broken: { readonly promise: PromiseName; readonly what: unknown } | undefined
  readonly steps: number
  /** Seconds on the simulated clock. */
  readonly seconds: number
  readonly trace: readonly string[]
  /** Counts of log events, verdicts and faults. */
  readonly seen: ReadonlyMap<string, number>
  readonly hash: string
}

/** Sweeps after the end of faults until the world must be at rest, and for which it must remain so. */
const SWEEPS_TO_REST = 120
const SWEEPS_AT_REST = 2

/** Ids of version 4, except a few that the Hub refuses. */
function newId(random: Random): AnalysisId {
  const hex = (digits: number) => Array.from({ length: digits }, () => random.whole(0, 15).toString(16)).join('')
  return `${hex(8)}-${hex(4)}-${random.chance(0.9) ? '4' : '7'}${hex(3)}-a${hex(3)}-${hex(12)}` as AnalysisId
}

const byKey = <Row extends { readonly key: string }>(rows: readonly Row[]): Row[] =>
  rows.toSorted((one, other) => Number(one.key) - Number(other.key))
const bySeq = <Row extends { readonly seq: string }>(rows: readonly Row[]): Row[] =>
  rows.toSorted((one, other) => Number(one.seq) - Number(other.seq))

/** The order of claims is undefined; sorting makes it independent of the store. */
const inOrder = (store: PoStore): PoStore => ({
  ...store,
  claimDue: async (...args) => byKey(await store.claimDue(...args)),
  claimSuspects: async (...args) => byKey(await store.claimSuspects(...args)),
  claimRemovals: async (...args) => byKey(await store.claimRemovals(...args)),
  claimReports: async (...args) => bySeq(await store.claimReports(...args)),
  claimChanges: async (...args) => bySeq(await store.claimChanges(...args)),
})

/** Resolves when all immediate consequences of a step have happened. */
const settled = () => new Promise<void>((resolve) => void setImmediate(resolve))

async function build(options: SimulationOptions) {
  const stage = createStage(options.seed, options.trace ?? false)
  const { random, plan, timeline, trace } = stage
  const ids = Array.from({ length: plan.analyses }, () => newId(random))
  const strangers = new Set(ids.filter(() => random.chance(0.1)))
  const hubKnows = (id: AnalysisId) => !strangers.has(id)
  const breaks: NonNullable<Outcome['broken']>[] = []

  const broken: WatchDeps['broken'] = (promise, what) => {
    trace.note('!', `broken: ${promise}`, () => what)
    if (!options.except?.includes(promise)) breaks.push({ promise, what })
  }

  const namespace: Namespace = { things: new Map(), pods: new Map() }
  const excuses = createExcuses(trace)
  const watchDeps = { broken, elapsed: timeline.elapsed, namespace, ...excuses }
  const ledger: Ledger = createLedger(timeline.elapsed, watchLedger(watchDeps))
  const watch = watchWorld({ ...watchDeps, ledger })
  const streams = (line: Line) => workload.stream(line)
  const world = await createWorld({ stage, namespace, ledger, watch, excuses, broken, hubKnows, streams })

  const store = inOrder((options.plant?.place ?? options.store ?? createMemoryStore)(timeline.now))
  const { plant = {} } = options
  const workload = createWorkload({
    stage,
    world,
    watch,
    excuses,
    broken,
    store: ledger.over(plant.store?.(store) ?? store),
    ids,
    plant: plant.ports ?? ((ports) => ports),
  })

  const whyNoRest = () =>
    unrest({
      ...world,
      ...excuses,
      store,
      ledger,
      namespace,
      clients: world.identity.clients,
      now: timeline.now,
      settings: settingsOf(plan),
      hubKnows,
      heard: watch.heard,
      changesTold: watch.changesTold,
      hasSink: plan.sink,
    })
  return { stage, workload, breaks, broken, whyNoRest }
}

/** Runs a seed until a promise is broken, or until its time is over and the world is at rest. */
export async function simulate(options: SimulationOptions): Promise<Outcome> {
  const { stage, workload, breaks, broken, whyNoRest } = await build(options)
  const { plan, timeline, trace } = stage
  const { elapsed } = timeline
  let steps = 0
  let lookAt = plan.busyMs + INTERVAL_MS
  let calmSweeps = 0

  const look = async (): Promise<void> => {
    lookAt += INTERVAL_MS
    const why = await whyNoRest()
    trace.note('rest', why.length === 0 ? 'is at rest' : 'is not at rest', () => why)
    calmSweeps = why.length === 0 ? calmSweeps + 1 : 0
    const isLate = elapsed() > plan.busyMs + SWEEPS_TO_REST * INTERVAL_MS
    if (why.length > 0 && isLate) broken('the world comes to rest', why)
  }

  workload.begin()
  while (breaks.length === 0 && calmSweeps <= SWEEPS_AT_REST) {
    const act = timeline.next()
    if (!act) throw new Error('nothing is left to happen')
    steps += 1
    await act()
    await settled()
    if (elapsed() >= lookAt) await look()
  }
  const { lines, seen, hash } = trace
  return { seed: options.seed, broken: breaks[0], steps, seconds: elapsed() / 1000, trace: lines, seen, hash: hash() }
}
