/** The product's processes and all their callers. */

import { Fault } from '../../../shared/platform/fault.ts'
import { changeType } from '../../../shared/po/events.ts'
import { type AnalysisId, CHANGES } from '../../../shared/po/model.ts'
import type { PoStore } from '../../../shared/po/ports/store.ts'
import type { PoPorts } from '../../../shared/po/ports.ts'
import { createGate } from '../core/processes.ts'
import { INTERVAL_MS, type Stage } from '../core/stage.ts'
import type { Excuses } from '../invariants/excuses.ts'
import type { Break, Watch } from '../invariants/watch.ts'
import type { Line } from '../world/analysis.ts'
import type { World } from '../world/index.ts'
import { createCallers } from './callers.ts'
import { createHands } from './hands.ts'
import { createPool } from './pool.ts'
import { portsOf } from './ports.ts'
import { settingsOf } from './settings.ts'
import { createTicker } from './ticker.ts'

export interface WorkloadDeps {
  readonly stage: Stage
  readonly world: World
  readonly watch: Watch
  readonly excuses: Excuses
  readonly broken: Break
  readonly store: PoStore
  readonly ids: readonly AnalysisId[]
  /** The gate between a process and its ports. */
  readonly plant: (ports: PoPorts) => PoPorts
}

export interface Workload {
  readonly begin: () => void
  readonly stream: (line: Line) => void
}

const POLL = 'analysisApi.healthz'
const CHANGE_TYPES = new Set(CHANGES.map(changeType))

export function createWorkload(deps: WorkloadDeps): Workload {
  const { stage, world, watch, excuses, broken, store, ids, plant } = deps
  const refuses = () => stage.isBusy() && stage.random.chance(stage.plan.refused)
  const ticker = createTicker({ ...stage, pool: () => pool, intervalMs: INTERVAL_MS })
  const sink = ticker.broker(({ id, type, subject }) => {
    if (!CHANGE_TYPES.has(type)) return
    watch.changeTold(subject as AnalysisId, id)
    if (refuses()) throw new Fault('refused', 'not this event')
  })
  const gate = createGate({
    ...stage,
    disturbed: (name, [id]) => {
      if (name === POLL) excuses.lost(id as AnalysisId)
    },
    arrived: (name, [id], isGood) => {
      if (name === POLL) excuses[isGood ? 'answered' : 'unanswered'](id as AnalysisId)
    },
  })
  const behind = {
    store,
    cluster: world.model.cluster,
    hub: world.hub,
    analysisApi: world.analysisApi,
    sink: stage.plan.sink ? sink : null,
    settings: settingsOf(stage.plan),
  }
  const pool = createPool({
    ...stage,
    broken,
    portsOf: (process) =>
      plant(portsOf(process, { ...stage, gate, watch, broken, behind, identity: world.identity, refuses })),
  })
  const callers = createCallers({ ...stage, pool, ids, broken })
  const hands = createHands({ ...stage, model: world.model, touched: excuses.touched })

  return {
    begin: () => {
      callers.begin()
      ticker.begin()
      hands.begin()
    },
    stream: callers.stream,
  }
}
