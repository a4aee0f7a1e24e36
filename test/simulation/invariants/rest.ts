/** What must hold once faults have stopped and some sweeps have passed: every row has its objects, every object its row. */
import { type AnalysisId, isLive, isVersion4, type RunNumber } from '../../../shared/po/model.ts'
import {
  credentialsName,
  LABEL,
  parseObjectName,
  proxyName,
  pullSecretName,
  runName,
  STANDING_POLICY_NAME,
} from '../../../shared/po/names.ts'
import type { Store } from '../../../shared/po/ports.ts'
import { keyOf, labelsOf, type Namespace } from '../cluster/objects.ts'
import { isAnalysis, runOf } from '../world/analysis.ts'
import type { Incarnation, Ledger } from './ledger.ts'

export interface RestDeps {
  readonly store: Store
  readonly ledger: Ledger
  readonly namespace: Namespace
  readonly clients: ReadonlySet<AnalysisId>
  /** Somebody's hands were on it. */
  readonly isExcused: (id: AnalysisId) => boolean
  readonly hubKnows: (id: AnalysisId) => boolean
  readonly heard: (id: AnalysisId) => number
  readonly hubStatus: (id: AnalysisId) => string | undefined
  /** Runs that were polled of late. */
  readonly wasPolled: (id: AnalysisId, run: RunNumber) => boolean
  readonly toldChanges: readonly { readonly id: AnalysisId; readonly key: string }[]
  readonly hasSink: boolean
}

/** Why the world is not at rest; nothing when it is. */
export async function unrest(deps: RestDeps): Promise<string[]> {
  const live = [...deps.ledger.incarnations.values()].filter(({ state }) => state !== 'withdrawn' && isLive(state))
  return [
    ...live.flatMap((incarnation) => missing(deps, incarnation)),
    ...leftovers(deps, live),
    ...clientsOff(deps, live),
    ...untold(deps),
    ...changesOff(deps),
    ...(await recordsOff(deps)),
  ]
}

function missing(
  { namespace: { things, pods }, wasPolled, isExcused }: RestDeps,
  { id, run, firstRun, state }: Incarnation,
): string[] {
  const name = runName(id, run)
  if (state !== 'started' && state !== 'executing') return [`${name} is ${state}`]
  const expected = [
    keyOf('Secret', credentialsName(id, firstRun)),
    // Only its creation knew what was in it.
    ...(isExcused(id) ? [] : [keyOf('Secret', pullSecretName(id, firstRun))]),
    keyOf('NetworkPolicy', `nginx-to-${name}-policy`),
    keyOf('NetworkPolicy', `nginx-${name}-policy`),
    keyOf('ConfigMap', `nginx-${name}-config`),
    ...['Service', 'Deployment'].flatMap((kind) => [keyOf(kind, name), keyOf(kind, proxyName(id, run))]),
    keyOf('NetworkPolicy', STANDING_POLICY_NAME),
  ]
  const isUp = pods
    .values()
    .some((pod) => isAnalysis(pod) && pod.labels['app'] === name && !pod.deleting && pod.isRunning)
  return [
    ...expected.filter((key) => !things.has(key) || things.get(key)?.deleting).map((key) => `${name} lacks ${key}`),
    ...(isUp ? [] : [`${name} has no pod that runs`]),
    ...(wasPolled(id, run) ? [] : [`${name} is not polled`]),
  ]
}

function leftovers({ namespace: { things, pods } }: RestDeps, live: readonly Incarnation[]): string[] {
  const isOwned = (id: string | undefined, run: number | undefined): boolean =>
    live.some((one) => one.id === id && run !== undefined && (run === one.run || run === one.firstRun))
  return [
    ...[...things.values()]
      .filter(
        (thing) =>
          labelsOf(thing)[LABEL.analysis] &&
          !isOwned(labelsOf(thing)[LABEL.analysis], parseObjectName(thing.name)?.run),
      )
      .map(({ kind, name }) => `${kind} ${name} belongs to nobody`),
    ...[...pods.values()]
      .filter((pod) => !isOwned(runOf(pod).id, runOf(pod).run))
      .map(({ name }) => `pod ${name} belongs to nobody`),
  ]
}

function clientsOff({ clients }: RestDeps, live: readonly Incarnation[]): string[] {
  const ids = new Set(live.map(({ id }) => id))
  return [
    ...[...ids].filter((id) => !clients.has(id)).map((id) => `${id} has no client`),
    ...[...clients].filter((id) => !ids.has(id)).map((id) => `client ${id} belongs to nobody`),
  ]
}

/** Statuses that the Hub has not heard, though it takes them. */
function untold({ ledger, hubKnows, heard, hubStatus }: RestDeps): string[] {
  return [...ledger.statuses].flatMap(([id, expected]) => {
    if (!hubKnows(id) || !isVersion4(id)) return []
    const last = expected.at(-1)?.report.status
    return heard(id) === expected.length && (last === undefined || hubStatus(id) === last)
      ? []
      : [`the Hub heard ${heard(id)} of ${expected.length} statuses of ${id}, thinks ${hubStatus(id)}, last is ${last}`]
  })
}

/** What the sink was told, each analysis in order, told again or not, against what became of them. */
function changesOff({ ledger, toldChanges, hasSink }: RestDeps): string[] {
  if (!hasSink) return []
  const told = Map.groupBy(toldChanges, ({ id }) => id)
  const expected = Map.groupBy(ledger.changes, ({ id }) => id)
  return [...expected].flatMap(([id, moves]) => {
    const is = [...new Set((told.get(id) ?? []).map(({ key }) => key))].join(' ')
    const should = moves.map(({ run, to }) => `${id}/${run}/${to}`).join(' ')
    return is === should ? [] : [`changes of ${id}: told ${is}, were ${should}`]
  })
}

async function recordsOff({ store, ledger }: RestDeps): Promise<string[]> {
  const removals = await store.pendingRemovals()
  const entries = await store.archiveEntries()
  const rows = await store.list()
  const all = [...ledger.incarnations.values()]
  const archived = Map.groupBy(
    entries.map(({ document }) => JSON.parse(document)),
    ({ analysisId, runs }) => `${analysisId}/${runs[0].run}`,
  )
  const byKey = new Map(rows.map((row) => [row.key, row]))
  return [
    ...removals.map(({ id, firstRun }) => `the removal of ${id} run ${firstRun} is not complete`),
    ...all
      .filter(({ archived: is, state, toArchive }) => toArchive && !is && state !== 'withdrawn')
      .map(({ id, run }) => `${id} run ${run} is not archived`),
    ...all.flatMap((one) => {
      const count = archived.get(`${one.id}/${one.firstRun}`)?.length ?? 0
      return count === Number(one.archived) ? [] : [`${one.id} run ${one.firstRun} is ${count} times in the archive`]
    }),
    ...all.flatMap((one) => {
      const row = byKey.get(one.key)
      const isThere = !one.archived && one.state !== 'withdrawn'
      return (row?.state ?? 'none') === (isThere ? one.state : 'none')
        ? []
        : [`the row of ${one.id} run ${one.run} is ${row?.state}, not ${one.state}`]
    }),
    ...rows.filter(({ state }) => state === 'stopping').map(({ id }) => `${id} is still stopping`),
  ]
}
