/**
 * Objects of runs that no row accounts for. Objects are read before rows, so that a run created in between is never taken
 * for one; a run is accounted for when its incarnation lives, is being removed, or waits for its removal.
 */
import type { Inventory } from './inventory.ts'
import { type AnalysisId, isLive, type Removal } from './model.ts'
import { type AnalysisRunRef, COMPONENT, parseObjectName } from './names.ts'
import type { ObjectMeta, OwnedKind, PoPodFacts } from './ports/cluster.ts'
import type { PoPorts } from './ports.ts'

type ZombiePorts = Pick<PoPorts, 'store' | 'cluster' | 'log' | 'now'>

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
] as const
type ZombieKind = (typeof ZOMBIE_KINDS)[number]

interface Found {
  readonly label: ZombieKind
  readonly name: string
  readonly remove: () => Promise<boolean>
}

function labelOf(kind: OwnedKind, component: string | undefined): ZombieKind {
  const proxy = component === COMPONENT.proxy
  if (kind === 'Deployment') return proxy ? 'nginx-deployments' : 'deployments'
  if (kind === 'Service') return proxy ? 'nginx-services' : 'services'
  if (kind === 'NetworkPolicy') return 'networkpolicys'
  return 'configmaps'
}

const runOfObject = ({ name }: ObjectMeta): AnalysisRunRef | undefined => parseObjectName(name)
const runOfPod = ({ labels }: PoPodFacts): AnalysisRunRef | undefined => parseObjectName(labels['app'] ?? '')

/** Of version 0.1 the root is a Secret, which no inventory has: it is known, and goes, with the policy it owns. */
function foundObject({ cluster }: ZombiePorts, { kind, name, labels, owners }: ObjectMeta): Found {
  const remove = async (): Promise<boolean> => {
    for (const owner of owners) if (owner.kind === 'Secret') await cluster.remove('Secret', owner.name)
    return cluster.remove(kind, name)
  }
  return { label: labelOf(kind, labels['component']), name, remove }
}

function foundPod({ cluster }: ZombiePorts, { name, labels }: PoPodFacts): Found {
  const label = labels['component'] === COMPONENT.proxy ? 'nginx-pods' : 'pods'
  return { label, name, remove: () => cluster.removePod(name) }
}

type Range = Pick<Removal, 'firstRun' | 'lastRun'>

/** Run numbers that rows account for, by id. */
async function accountedFor({ store }: ZombiePorts): Promise<Map<AnalysisId, Range[]>> {
  const [analyses, removals] = await Promise.all([store.list(), store.pendingRemovals()])
  const ranges = new Map<AnalysisId, Range[]>()
  const add = (id: AnalysisId, range: Range) => ranges.set(id, [...(ranges.get(id) ?? []), range])
  for (const { id, state, firstRun, run } of analyses) {
    if (isLive(state) || state === 'stopping') add(id, { firstRun, lastRun: run })
  }
  for (const { id, firstRun, lastRun } of removals) add(id, { firstRun, lastRun })
  return ranges
}

/** What no row accounts for and is at least `graceMs` old. What is being deleted already is left to itself. */
async function findZombies(ports: ZombiePorts, { objects, pods }: Inventory, graceMs: number): Promise<Found[]> {
  if (objects.length === 0 && pods.length === 0) return []
  const ranges = await accountedFor(ports)
  const before = ports.now().getTime() - graceMs
  const isOld = ({ deleting, createdAt }: ObjectMeta | PoPodFacts) => !deleting && createdAt.getTime() <= before
  const isOwned = (ref: AnalysisRunRef | undefined) =>
    !ref || ranges.get(ref.id)?.some(({ firstRun, lastRun }) => ref.run >= firstRun && ref.run <= lastRun)
  return [
    ...objects
      .filter((object) => isOld(object) && !isOwned(runOfObject(object)))
      .map((object) => foundObject(ports, object)),
    ...pods.filter((pod) => isOld(pod) && !isOwned(runOfPod(pod))).map((pod) => foundPod(ports, pod)),
  ]
}

/** Removes what of an inventory no row accounts for, root first, and counts it by kind; most of it goes with its root. */
export async function removeZombies(
  ports: ZombiePorts,
  inventory: Inventory,
  graceMs: number,
): Promise<Record<ZombieKind, number>> {
  const counts = Object.fromEntries(ZOMBIE_KINDS.map((kind) => [kind, 0])) as Record<ZombieKind, number>
  for (const { label, name, remove } of await findZombies(ports, inventory, graceMs)) {
    counts[label] += 1
    if (await remove()) ports.log('action', 'zombie removed', { kind: label, name })
  }
  return counts
}
