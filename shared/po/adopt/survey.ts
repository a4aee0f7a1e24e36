/** Reads everything about the analyses of the Python service and decides about each. Writes nothing. */
import { type Analysis, type AnalysisId, isLive, isUuid, NO_KONG_TOKEN, type RunNumber, UNFINISHED } from '../model.ts'
import { COMPONENT, LABEL, runName } from '../names.ts'
import type { AdoptPorts } from '../ports/adopt.ts'
import type { ObjectMeta, OwnedKind, PoPodFacts } from '../ports/cluster.ts'
import { type CaseFacts, decideTakeover, isRunning, type Ours, type TakeoverDecision } from './decide.ts'
import { type Former, formerParts, formerProxy, formersOf, latestOf } from './former.ts'
import { isDetached } from './replace-proxy.ts'

export interface SurveyOptions {
  /** Stop running analyses instead of adopting them. */
  readonly finish: boolean
  /** Skip the checks that can be mistaken. */
  readonly force: boolean
}

export interface Case extends Former {
  readonly facts: CaseFacts
  readonly decision: TakeoverDecision
  /** Runs with objects of the Python service that are not claimed yet. */
  readonly present: readonly RunNumber[]
  readonly current: Analysis | undefined
}

export interface Survey {
  readonly cases: readonly Case[]
  /** Rows that cannot be recorded here, because their ids are not UUIDs. */
  readonly unreadable: readonly { readonly deployment: string; readonly status: string; readonly objects: number }[]
  readonly strangers: readonly string[]
  readonly formerProxies: boolean
}

const PARTS: readonly (readonly [OwnedKind, string])[] = [
  ['Deployment', COMPONENT.analysis],
  ['Deployment', COMPONENT.proxy],
  ['Service', COMPONENT.analysis],
  ['Service', COMPONENT.proxy],
  ['ConfigMap', COMPONENT.configMap],
  ['NetworkPolicy', COMPONENT.policy],
]

interface Present {
  /** By kind and name; includes claimed objects and ours. */
  readonly objects: ReadonlyMap<string, ObjectMeta>
  readonly pods: readonly PoPodFacts[]
  readonly proxies: readonly PoPodFacts[]
  /** Label `app` of the detached ReplicaSets of proxies. */
  readonly detached: readonly string[]
}

const keyOf = (kind: string, name: string): string => `${kind} ${name}`
const isOurs = ({ labels }: Pick<ObjectMeta, 'labels'>): boolean => labels[LABEL.analysis] !== undefined

async function readCluster({ cluster, takeover }: Pick<AdoptPorts, 'cluster' | 'takeover'>): Promise<Present> {
  const [sets, pods, proxies, ...lists] = await Promise.all([
    takeover.replicaSets({ app: undefined }),
    cluster.pods({ component: COMPONENT.analysis }),
    cluster.pods({ component: COMPONENT.proxy }),
    ...PARTS.map(([kind, component]) => cluster.list(kind, { component })),
  ])
  const objects = new Map(lists.flat().map((object) => [keyOf(object.kind, object.name), object]))
  const detached = sets.filter((set) => isDetached(set) && !set.deleting).map(({ labels }) => labels['app'] ?? '')
  return { objects, pods, proxies, detached }
}

/** Number of objects of a former Deployment that are not claimed yet. */
function countUnclaimed({ objects, detached }: Present, deployment: string): number {
  const parts = formerParts(deployment).filter(([kind, name]) => {
    const object = objects.get(keyOf(kind, name))
    return object && !isOurs(object) && !object.deleting
  })
  return parts.length + detached.filter((app) => app === formerProxy(deployment)).length
}

interface Records {
  readonly current: ReadonlyMap<AnalysisId, Analysis>
  readonly lastRuns: ReadonlyMap<AnalysisId, RunNumber>
}

/** No records exist before the migration. */
async function readRecords({ store, intake }: Pick<AdoptPorts, 'store' | 'intake'>): Promise<Records> {
  if ((await intake.missingMigrations()).length > 0) return { current: new Map(), lastRuns: new Map() }
  const [rows, lastRuns] = await Promise.all([store.list(), intake.lastRuns()])
  return { current: new Map(rows.map((row) => [row.id, row])), lastRuns }
}

function oursOf(current: Analysis | undefined, last: number, run: number): Ours {
  const covers = current && current.firstRun <= run && run <= current.run
  if (current && !covers && isLive(current.state)) return 'another lives'
  if (covers && isLive(current.state)) return current.dueAt >= UNFINISHED ? 'unfinished' : 'goes on'
  if (covers) return 'over'
  if (last >= run) return 'forgotten'
  return current ? 'another ended' : 'nothing'
}

function recordOf(ours: Ours, run: number, current: Analysis | undefined): string {
  const row = current ? `run ${current.run} of it is ${current.state} here` : ''
  const words: Record<Ours, string> = {
    nothing: 'nothing of it is recorded here',
    unfinished: 'it is being taken over',
    'goes on': `it was taken over and is ${current?.state} here`,
    over: `it is ${current?.state} here`,
    forgotten: `run ${run} of it was recorded here before`,
    'another lives': row,
    'another ended': row,
  }
  return words[ours]
}

function obstacleOf(former: Former): string | null {
  const { run, row } = latestOf(former)
  const name = runName(former.id, run)
  if (row.deployment !== name) return `its Deployment is called ${row.deployment} and not ${name}`
  if (!isUuid(row.projectId)) return 'the id of its project is no UUID'
  if (row.image === '') return 'its row names no image'
  if (row.kong === 'missing') return `its row has no token for kong, not even ${NO_KONG_TOKEN}`
  return null
}

interface Surroundings {
  readonly found: Present
  readonly records: Records
  readonly namespace: string
  readonly doubtful: boolean
  readonly finish: boolean
}

function caseOf(former: Former, { found, records, namespace, doubtful, finish }: Surroundings): Case {
  const { run, row } = latestOf(former)
  const current = records.current.get(former.id)
  const ours = oursOf(current, records.lastRuns.get(former.id) ?? 0, run)
  const unclaimed = former.runs.map(({ run, row }) => ({ run, objects: countUnclaimed(found, row.deployment) }))
  const deployment = found.objects.get(keyOf('Deployment', row.deployment))
  const elsewhere = row.namespace !== '' && row.namespace !== 'default' && row.namespace !== namespace
  const facts: CaseFacts = {
    table: row.table,
    status: row.status,
    obstacle: obstacleOf(former),
    ours,
    record: recordOf(ours, run, current),
    deployment: deployment !== undefined && !deployment.deleting,
    pods: found.pods.filter(({ labels, deleting }) => labels['app'] === row.deployment && !deleting).length,
    objects: unclaimed.reduce((sum, { objects }) => sum + objects, 0),
    elsewhere: elsewhere ? row.namespace : null,
    doubtful,
    finish,
  }
  const present = unclaimed.filter(({ objects }) => objects > 0).map(({ run }) => run)
  return { ...former, facts, decision: decideTakeover(facts), present, current }
}

/** Rows say that some analyses run, but none of them has a Deployment here. */
function isDoubtful(formers: readonly Former[], found: Present): boolean {
  const running = formers.map(latestOf).filter(({ row }) => row.table === 'analysis' && isRunning(row.status))
  return running.length > 0 && running.every(({ row }) => !found.objects.has(keyOf('Deployment', row.deployment)))
}

export async function survey(ports: AdoptPorts, { finish, force }: SurveyOptions): Promise<Survey> {
  const [rows, found, records] = await Promise.all([ports.predecessor.rows(), readCluster(ports), readRecords(ports)])
  const { readable, unreadable } = formersOf(rows)
  const doubtful = !force && isDoubtful(readable, found)
  const surroundings = { found, records, namespace: ports.cluster.namespace, doubtful, finish }
  const named = new Set(
    rows.flatMap(({ deployment }) => formerParts(deployment).map(([kind, name]) => keyOf(kind, name))),
  )
  const strangers = [...found.objects].filter(([key, object]) => !isOurs(object) && !named.has(key))
  return {
    cases: readable.map((former) => caseOf(former, surroundings)),
    unreadable: unreadable.map(({ deployment, status }) => ({
      deployment,
      status,
      objects: countUnclaimed(found, deployment),
    })),
    strangers: strangers.map(([key]) => key),
    formerProxies: found.proxies.some((pod) => !isOurs(pod)),
  }
}
