/**
 * Objects of runs that no row accounts for. Objects are read before rows, so that a run created in between is never taken
 * for one; a run is accounted for when its incarnation lives, is being removed, or waits for its removal.
 */
import type { Analysis, AnalysisId, Removal, RunNumber } from './model.ts'
import { COMPONENT, LABEL, parseObjectName } from './names.ts'
import type { ObjectMeta, OwnedKind, PodFacts, Ports } from './ports.ts'

type ZombiePorts = Pick<Ports, 'store' | 'cluster' | 'log' | 'now'>

/** Kinds as cleanup names them, in the order of its answer. */
export const ZOMBIE_KINDS = [
  'deployments',
  'nginx-deployments',
  'pods',
  'nginx-pods',
  'services',
  'nginx-services',
  'networkpolicys',
  'configmaps',
  'secrets',
] as const
export type ZombieKind = (typeof ZOMBIE_KINDS)[number]

interface Found {
  readonly label: ZombieKind
  readonly name: string
  readonly remove: () => Promise<boolean>
  readonly id: AnalysisId
  readonly run: RunNumber
  readonly createdAt: Date
}

/** Root first: with it everything below goes in the right order. */
const REMOVAL_ORDER: readonly OwnedKind[] = ['Secret', 'NetworkPolicy', 'Deployment', 'Service', 'ConfigMap']

function labelOf(kind: OwnedKind, component: string | undefined): ZombieKind {
  const proxy = component === COMPONENT.proxy
  if (kind === 'Deployment') return proxy ? 'nginx-deployments' : 'deployments'
  if (kind === 'Service') return proxy ? 'nginx-services' : 'services'
  if (kind === 'NetworkPolicy') return 'networkpolicys'
  return kind === 'ConfigMap' ? 'configmaps' : 'secrets'
}

async function ownedObjects({ cluster }: ZombiePorts): Promise<Found[]> {
  const lists = await Promise.all(REMOVAL_ORDER.map((kind) => cluster.list(kind, { [LABEL.analysis]: undefined })))
  return lists.flat().flatMap((object: ObjectMeta) => {
    const ref = parseObjectName(object.name)
    const label = labelOf(object.kind, object.labels['component'])
    const remove = () => cluster.remove(object.kind, object.name)
    return ref ? [{ label, name: object.name, createdAt: object.createdAt, remove, ...ref }] : []
  })
}

async function ownedPods({ cluster }: ZombiePorts): Promise<Found[]> {
  const pods = await cluster.pods({ [LABEL.analysis]: undefined })
  return pods.flatMap((pod: PodFacts) => {
    const ref = parseObjectName(pod.labels['app'] ?? '')
    const label = pod.labels['component'] === COMPONENT.proxy ? ('nginx-pods' as const) : ('pods' as const)
    const remove = () => cluster.removePod(pod.name)
    return ref ? [{ label, name: pod.name, createdAt: pod.createdAt, remove, ...ref }] : []
  })
}

type Range = Pick<Removal, 'firstRun' | 'lastRun'>

/** Run numbers that rows account for, by id. */
async function accountedFor({ store }: ZombiePorts): Promise<Map<AnalysisId, Range[]>> {
  const [analyses, removals] = await Promise.all([store.list(), store.pendingRemovals()])
  const ranges = new Map<AnalysisId, Range[]>()
  const add = (id: AnalysisId, range: Range) => ranges.set(id, [...(ranges.get(id) ?? []), range])
  for (const { id, state, firstRun, run } of analyses as Analysis[]) {
    if (!['executed', 'stopped', 'failed'].includes(state)) add(id, { firstRun, lastRun: run })
  }
  for (const { id, firstRun, lastRun } of removals) add(id, { firstRun, lastRun })
  return ranges
}

/** All objects without an owner row that are at least `graceMs` old. */
async function findZombies(ports: ZombiePorts, graceMs: number): Promise<Found[]> {
  const found = [...(await ownedObjects(ports)), ...(await ownedPods(ports))]
  if (found.length === 0) return []
  const ranges = await accountedFor(ports)
  const before = ports.now().getTime() - graceMs
  return found.filter(({ id, run, createdAt }) => {
    const owned = ranges.get(id)?.some(({ firstRun, lastRun }) => run >= firstRun && run <= lastRun)
    return !owned && createdAt.getTime() <= before
  })
}

/** Removes what no row accounts for and counts it by kind. */
export async function removeZombies(ports: ZombiePorts, graceMs: number): Promise<Record<ZombieKind, number>> {
  const counts = Object.fromEntries(ZOMBIE_KINDS.map((kind) => [kind, 0])) as Record<ZombieKind, number>
  for (const { label, name, remove, id, run } of await findZombies(ports, graceMs)) {
    await remove()
    counts[label] += 1
    ports.log('action', 'zombie removed', { kind: label, name, analysis: id, run })
  }
  return counts
}
