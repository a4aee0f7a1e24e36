/** Invariants some sweeps after the faults have stopped: every row has its objects, every object its row. */
import { healthz } from '../../../shared/po/healthz.ts'
import { type AnalysisId, isLive, isVersion4, type RunNumber } from '../../../shared/po/model.ts'
import {
  credentialsName,
  LABEL,
  parseObjectName,
  policyName,
  proxyConfigName,
  proxyName,
  proxyPolicyName,
  rootName,
  runName,
} from '../../../shared/po/names.ts'
import type { PoStore } from '../../../shared/po/ports/store.ts'
import type { PoSettings } from '../../../shared/po/settings.ts'
import { keyOf, labelsOf, type Namespace, type Pod } from '../cluster/objects.ts'
import { isAnalysis, runOf } from '../world/analysis.ts'
import type { Incarnation, Ledger } from './ledger.ts'
import { recordsOff } from './records.ts'

export interface RestDeps {
  readonly store: PoStore
  readonly ledger: Ledger
  readonly now: () => Date
  readonly settings: PoSettings
  readonly namespace: Namespace
  readonly clients: ReadonlySet<AnalysisId>
  readonly isExcused: (id: AnalysisId) => boolean
  /** Runs that were polled recently. */
  readonly wasPolled: (id: AnalysisId, run: RunNumber) => boolean
  /** Pods whose analysis has an expired or revoked token. */
  readonly expired: () => readonly Pod[]
  readonly hubKnows: (id: AnalysisId) => boolean
  readonly hubStatuses: ReadonlyMap<AnalysisId, string>
  /** Number of statuses of an analysis at the Hub. */
  readonly heard: (id: AnalysisId) => number
  readonly hasSink: boolean
  /** Number of its changes at the sink. */
  readonly changesTold: (id: AnalysisId) => number
}

/** The reasons why the world is not at rest. */
export async function unrest(deps: RestDeps): Promise<string[]> {
  const live = [...deps.ledger.incarnations.values()].filter(({ state }) => state !== 'withdrawn' && isLive(state))
  return [
    ...live.flatMap((incarnation) => missing(deps, incarnation)),
    ...deps.expired().map(({ name }) => `the token of ${name} has expired`),
    ...leftovers(deps, live),
    ...clientsOff(deps, live),
    ...untold(deps),
    ...changesOff(deps),
    ...(await recordsOff(deps)),
    ...(await unhealthy(deps)),
  ]
}

const unhealthy = (deps: RestDeps): Promise<string[]> =>
  healthz(deps).then(
    () => [],
    (error: Error) => [`healthz: ${error.message}`],
  )

function missing(
  { namespace: { things, pods }, wasPolled, isExcused }: RestDeps,
  { id, run, firstRun, state }: Incarnation,
): string[] {
  const name = runName(id, run)
  if (state !== 'started' && state !== 'executing') return [`${name} is ${state}`]
  const expected = [
    // An administrator may have deleted it, and only the create had its content.
    ...(isExcused(id) ? [] : [keyOf('Secret', credentialsName(id, firstRun))]),
    keyOf('ConfigMap', rootName(id, firstRun)),
    ...[policyName, proxyPolicyName].map((nameOf) => keyOf('NetworkPolicy', nameOf(id, run))),
    keyOf('ConfigMap', proxyConfigName(id, run)),
    ...['Service', 'Deployment'].flatMap((kind) => [keyOf(kind, name), keyOf(kind, proxyName(id, run))]),
  ]
  const isUp = pods
    .values()
    .some((pod) => pod.labels['app'] === name && isAnalysis(pod) && !pod.deleting && pod.isRunning)
  return [
    ...expected.filter((key) => things.get(key)?.deleting ?? true).map((key) => `${name} lacks ${key}`),
    ...(isUp ? [] : [`${name} has no pod that runs`]),
    ...(wasPolled(id, run) ? [] : [`${name} is not polled`]),
  ]
}

function leftovers({ namespace: { things, pods } }: RestDeps, live: readonly Incarnation[]): string[] {
  const isOwned = (id: string | undefined, run: number | undefined): boolean =>
    live.some((one) => one.id === id && (run === one.run || run === one.firstRun))
  const left = [...things.values()].filter((thing) => {
    const id = labelsOf(thing)[LABEL.analysis]
    return id !== undefined && !isOwned(id, parseObjectName(thing.name)?.run)
  })
  const leftPods = [...pods.values()].filter((pod) => !isOwned(runOf(pod).id, runOf(pod).run))
  return [
    ...left.map(({ kind, name }) => `${kind} ${name} belongs to nobody`),
    ...leftPods.map(({ name }) => `pod ${name} belongs to nobody`),
  ]
}

function clientsOff({ clients }: RestDeps, live: readonly Incarnation[]): string[] {
  const ids = new Set(live.map(({ id }) => id))
  return [
    ...[...ids].filter((id) => !clients.has(id)).map((id) => `${id} has no client`),
    ...[...clients].filter((id) => !ids.has(id)).map((id) => `client ${id} belongs to nobody`),
  ]
}

/** Statuses that did not reach the Hub although it accepts them. */
function untold({ ledger, hubKnows, heard, hubStatuses }: RestDeps): string[] {
  return [...ledger.statuses].flatMap(([id, expected]) => {
    if (!hubKnows(id) || !isVersion4(id)) return []
    const last = expected.at(-1)?.report.status
    if (heard(id) === expected.length && hubStatuses.get(id) === last) return []
    return [`the Hub heard ${heard(id)} of ${expected.length} statuses of ${id}: ${hubStatuses.get(id)}, not ${last}`]
  })
}

/** Changes that did not reach the sink. */
function changesOff({ ledger, changesTold, hasSink }: RestDeps): string[] {
  if (!hasSink) return []
  return [...ledger.changes].flatMap(([id, moves]) =>
    changesTold(id) === moves.length
      ? []
      : [`the sink was told ${changesTold(id)} of ${moves.length} changes of ${id}`],
  )
}
