/** What the world says of one analysis, wherever it is written down: to be compared as a whole. */
import type { AnalysisId, RunNumber } from '../../../shared/po/model.ts'
import {
  credentialsName,
  policyName,
  proxyConfigName,
  proxyName,
  proxyPolicyName,
  rootName,
  runName,
} from '../../../shared/po/names.ts'
import { sweep } from '../../../shared/po/reconcile/sweep.ts'
import { controllersIdle } from '../../sandbox/kubernetes/queue.ts'
import type { Fixture } from './fixture.ts'

export interface Aftermath {
  /** State and run of its row, or null. */
  readonly row: string | null
  /** Names of its Kubernetes objects without the id, sorted; they tell the run. */
  readonly objects: readonly string[]
  /** Its Keycloak client exists. */
  readonly client: boolean
  /** Statuses the Hub was told, in order, what was told again at once left out. */
  readonly hub: readonly string[]
  /** What the Hub was told again at once: the status of a run anew, or what it had heard of a process that then died. */
  readonly again: number
  /** Changes the event sink was told, in order; the same event again is the same. */
  readonly events: readonly string[]
  /** Markers of the lines that we wrote to the Hub about it, likewise. */
  readonly lines: readonly string[]
  readonly archived: number
  /** Removals that are not complete. */
  readonly removals: number
}

type Words = readonly string[]
const repeats = (words: Words): number => words.length - withoutRepeats(words).length
const withoutRepeats = (words: Words): string[] => words.filter((word, index) => word !== words[index - 1])
const short = (name: string, id: AnalysisId): string => name.replace(id, '…')

export async function aftermath({ ports, hub, owned, emitted }: Fixture, id: AnalysisId): Promise<Aftermath> {
  const { store } = ports
  const [row, { objects, client }, entries, removals] = await Promise.all([
    store.find(id),
    owned(id),
    store.archiveEntries(undefined, 100, id),
    store.pendingRemovals(),
  ])
  const { statuses, logs } = hub.told(id)
  const told = statuses.map(({ status, progress }) => `${status} ${progress}`)
  const lines = logs.map(({ message }) => message.split(':')[0] ?? '')
  const events = emitted.filter(({ subject }) => subject === id).map((event) => event.id.slice(id.length + 1))
  return {
    row: row ? `${row.state} ${row.run}` : null,
    objects: objects.map((name) => short(name, id)).toSorted(),
    client,
    hub: withoutRepeats(told),
    again: repeats(told) + repeats(lines),
    events: [...new Set(events)],
    lines: withoutRepeats(lines),
    archived: entries.length,
    removals: removals.filter((removal) => removal.id === id).length,
  }
}

/** The nine objects of a run, as `aftermath` names them. */
export function objectsOf(run: number, firstRun = 1): string[] {
  const [id, n, first] = ['…' as AnalysisId, run as RunNumber, firstRun as RunNumber]
  return [
    `Secret ${credentialsName(id, first)}`,
    `ConfigMap ${rootName(id, first)}`,
    `NetworkPolicy ${policyName(id, n)}`,
    `NetworkPolicy ${proxyPolicyName(id, n)}`,
    `ConfigMap ${proxyConfigName(id, n)}`,
    `Service ${proxyName(id, n)}`,
    `Deployment ${proxyName(id, n)}`,
    `Service ${runName(id, n)}`,
    `Deployment ${runName(id, n)}`,
  ].toSorted()
}

const NOTHING: Aftermath = {
  row: null,
  objects: [],
  client: false,
  hub: [],
  again: 0,
  events: [],
  lines: [],
  archived: 0,
  removals: 0,
}
type Told = Partial<Pick<Aftermath, 'hub' | 'again' | 'events' | 'lines' | 'archived'>>

/** Nothing is left of it but what the Hub knows. */
export const nothing = (told: Told = {}): Aftermath => ({ ...NOTHING, ...told })
/** It runs, with all of its objects and no other. */
export const running = (state: 'started' | 'executing', run: number, told: Told, firstRun = 1): Aftermath => ({
  ...NOTHING,
  row: `${state} ${run}`,
  objects: objectsOf(run, firstRun),
  client: true,
  ...told,
})
/** It ended and its row still says so. */
export const ended = (state: 'stopped' | 'failed', told: Told): Aftermath => ({
  ...NOTHING,
  row: `${state} 1`,
  ...told,
})
/** It ended and is in the archive, once. */
export const archived = (told: Told): Aftermath => ({ ...NOTHING, archived: 1, ...told })

/** Sweeps of a process that lives, after every lease and back-off has ended, until restarts and removals are through. */
export async function settle({ ports, advance }: Fixture, rounds = 5): Promise<void> {
  for (let round = 0; round < rounds; round += 1) {
    advance(90)
    await sweep(ports)
    await controllersIdle() // the garbage collector works after the request that caused it
  }
}
