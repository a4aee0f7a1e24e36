/** A look at everything that the Python service has, and what is to become of each analysis. Writes nothing. */
import { type Analysis, type AnalysisId, isLive, isUuid, NO_KONG_TOKEN, type RunNumber, UNFINISHED } from '../model.ts'
import { COMPONENT, LABEL, runName } from '../names.ts'
import type { AdoptPorts } from '../ports/adopt.ts'
import type { ObjectMeta, OwnedKind, PoPodFacts } from '../ports/cluster.ts'
import { type CaseFacts, type Decision, decideTakeover, isRunning, type Ours } from './decide.ts'
import { type Former, formerProxy, formersOf, latestOf, partsOf } from './former.ts'
import { isSetApart } from './replace-proxy.ts'

export interface SurveyOptions {
  /** Stop what runs. */
  readonly finish: boolean
  /** Go on where it is likely, but not certain, that something is wrong. */
  readonly force: boolean
}

export interface Case extends Former {
  readonly facts: CaseFacts
  readonly decision: Decision
  /** Runs of which objects of the Python service are there. */
  readonly present: readonly RunNumber[]
  /** What we have of it: the row that is to go on, or the one that has the place. */
  readonly current: Analysis | undefined
}

export interface Survey {
  readonly cases: readonly Case[]
  /** Rows that cannot be recorded here, since their ids are no UUIDs. */
  readonly unreadable: readonly { readonly deployment: string; readonly status: string; readonly objects: number }[]
  /** Objects of analyses that no row knows. */
  readonly strangers: readonly string[]
  /** Proxies of the Python service are there still. */
  readonly formerProxies: boolean
}

/** Every kind of object that the Python service makes. */
const PARTS: readonly (readonly [OwnedKind, string])[] = [
  ['Deployment', COMPONENT.analysis],
  ['Deployment', COMPONENT.proxy],
  ['Service', COMPONENT.analysis],
  ['Service', COMPONENT.proxy],
  ['ConfigMap', COMPONENT.configMap],
  ['NetworkPolicy', COMPONENT.policy],
]

interface Found {
  /** By kind and name: its objects, and ours. */
  readonly objects: ReadonlyMap<string, ObjectMeta>
  readonly pods: readonly PoPodFacts[]
  readonly proxies: readonly PoPodFacts[]
  /** Of proxies whose replacement was begun: `app` of their ReplicaSets. */
  readonly apart: readonly string[]
}

const keyOf = (kind: string, name: string): string => `${kind} ${name}`
const isOurs = ({ labels }: Pick<ObjectMeta, 'labels'>): boolean => labels[LABEL.analysis] !== undefined

async function look({ cluster, takeover }: Pick<AdoptPorts, 'cluster' | 'takeover'>): Promise<Found> {
  const [sets, pods, proxies, ...lists] = await Promise.all([
    takeover.replicaSets({ app: undefined }),
    cluster.pods({ component: COMPONENT.analysis }),
    cluster.pods({ component: COMPONENT.proxy }),
    ...PARTS.map(([kind, component]) => cluster.list(kind, { component })),
  ])
  const objects = new Map(lists.flat().map((object) => [keyOf(object.kind, object.name), object]))
  const apart = sets.filter((set) => isSetApart(set) && !set.deleting).map(({ labels }) => labels['app'] ?? '')
  return { objects, pods, proxies, apart }
}

/** How many of a Deployment's objects are there and not ours. */
function foreign({ objects, apart }: Found, deployment: string): number {
  const parts = partsOf(deployment).filter(([kind, name]) => {
    const object = objects.get(keyOf(kind, name))
    return object && !isOurs(object) && !object.deleting
  })
  return parts.length + apart.filter((app) => app === formerProxy(deployment)).length
}

interface Records {
  readonly current: ReadonlyMap<AnalysisId, Analysis>
  readonly lastRuns: ReadonlyMap<AnalysisId, RunNumber>
}

/** Before the first migration there are none. */
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

/** Why it cannot go on as it is. */
function obstacleOf(former: Former): string | null {
  const { run, row } = latestOf(former)
  const name = runName(former.id, run)
  if (row.deployment !== name) return `its Deployment is called ${row.deployment} and not ${name}`
  if (!isUuid(row.projectId)) return 'the id of its project is no UUID'
  if (row.image === '') return 'its row names no image'
  if (row.kong === 'missing') return `its row has no token for kong, not even ${NO_KONG_TOKEN}`
  return null
}

interface Place {
  readonly found: Found
  readonly records: Records
  readonly namespace: string
  readonly doubtful: boolean
  readonly finish: boolean
}

function caseOf(former: Former, { found, records, namespace, doubtful, finish }: Place): Case {
  const { run, row } = latestOf(former)
  const current = records.current.get(former.id)
  const ours = oursOf(current, records.lastRuns.get(former.id) ?? 0, run)
  const isThere = former.runs.filter(({ row }) => foreign(found, row.deployment) > 0)
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
    objects: isThere.reduce((sum, { row }) => sum + foreign(found, row.deployment), 0),
    elsewhere: elsewhere ? row.namespace : null,
    doubtful,
    finish,
  }
  return { ...former, facts, decision: decideTakeover(facts), present: isThere.map(({ run }) => run), current }
}

/** Something runs by its row, and nothing that runs by its row is here. */
function isDoubtful(formers: readonly Former[], found: Found): boolean {
  const running = formers.map(latestOf).filter(({ row }) => row.table === 'analysis' && isRunning(row.status))
  return running.length > 0 && running.every(({ row }) => !found.objects.has(keyOf('Deployment', row.deployment)))
}

export async function survey(ports: AdoptPorts, { finish, force }: SurveyOptions): Promise<Survey> {
  const [rows, found, records] = await Promise.all([ports.predecessor.rows(), look(ports), readRecords(ports)])
  const { readable, unreadable } = formersOf(rows)
  const doubtful = !force && isDoubtful(readable, found)
  const place: Place = { found, records, namespace: ports.cluster.namespace, doubtful, finish }
  const named = new Set(rows.flatMap(({ deployment }) => partsOf(deployment).map(([kind, name]) => keyOf(kind, name))))
  const strangers = [...found.objects].filter(([key, object]) => !isOurs(object) && !named.has(key))
  return {
    cases: readable.map((former) => caseOf(former, place)),
    unreadable: unreadable.map(({ deployment, status }) => ({
      deployment,
      status,
      objects: foreign(found, deployment),
    })),
    strangers: strangers.map(([key]) => key),
    formerProxies: found.proxies.some((pod) => !isOurs(pod)),
  }
}
