/**
 * Zombies: objects that no row accounts for. A live incarnation accounts for its root and its current run, one that is
 * `stopping` or has a removal for all its runs. Objects are read before rows, so a run that is created in between is never a
 * zombie.
 */
import type { Inventory } from './inventory.ts'
import { type AnalysisId, isLive, type Removal } from './model.ts'
import { type AnalysisRunRef, COMPONENT, parseObjectName } from './names.ts'
import type { ObjectMeta, OwnedKind, PoPodFacts } from './ports/cluster.ts'
import type { PoPorts } from './ports.ts'

type ZombiePorts = Pick<PoPorts, 'store' | 'cluster' | 'log' | 'now'>

/** Kinds in the answer of cleanup, in its order. */
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

interface Zombie {
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

/** Roots of version 0.1 are Secrets, which no inventory lists. Each is removed together with the policy that it owns. */
function zombieObject({ cluster }: ZombiePorts, { kind, name, labels, owners }: ObjectMeta): Zombie {
  const remove = async (): Promise<boolean> => {
    for (const owner of owners) if (owner.kind === 'Secret') await cluster.remove('Secret', owner.name)
    return cluster.remove(kind, name)
  }
  return { label: labelOf(kind, labels['component']), name, remove }
}

function zombiePod({ cluster }: ZombiePorts, { name, labels }: PoPodFacts): Zombie {
  const label = labels['component'] === COMPONENT.proxy ? 'nginx-pods' : 'pods'
  return { label, name, remove: () => cluster.removePod(name) }
}

/** Runs with a row: the first one, which the root is named after, and the last one with those between, or without. */
interface Runs extends Pick<Removal, 'firstRun' | 'lastRun'> {
  readonly between: 'kept' | 'gone'
}

async function runsWithRow({ store }: ZombiePorts): Promise<Map<AnalysisId, Runs[]>> {
  const [analyses, removals] = await Promise.all([store.list(), store.pendingRemovals()])
  const found = new Map<AnalysisId, Runs[]>()
  const add = (id: AnalysisId, runs: Runs) => found.set(id, [...(found.get(id) ?? []), runs])
  for (const { id, state, firstRun, run: lastRun } of analyses) {
    if (isLive(state)) add(id, { firstRun, lastRun, between: 'gone' })
    else if (state === 'stopping') add(id, { firstRun, lastRun, between: 'kept' })
  }
  for (const { id, firstRun, lastRun } of removals) add(id, { firstRun, lastRun, between: 'kept' })
  return found
}

function accountsFor({ firstRun, lastRun, between }: Runs, run: number, component: string | undefined): boolean {
  if (between === 'kept') return run >= firstRun && run <= lastRun
  return run === (component === COMPONENT.root ? firstRun : lastRun)
}

/** Zombies that are at least `graceMs` old and not being deleted yet. */
async function findZombies(ports: ZombiePorts, { objects, pods }: Inventory, graceMs: number): Promise<Zombie[]> {
  if (objects.length === 0 && pods.length === 0) return []
  const runs = await runsWithRow(ports)
  const before = ports.now().getTime() - graceMs
  const isOld = ({ deleting, createdAt }: ObjectMeta | PoPodFacts) => !deleting && createdAt.getTime() <= before
  const hasRow = (ref: AnalysisRunRef | undefined, component: string | undefined) =>
    !ref || runs.get(ref.id)?.some((one) => accountsFor(one, ref.run, component))
  return [
    ...objects
      .filter((object) => isOld(object) && !hasRow(parseObjectName(object.name), object.labels['component']))
      .map((object) => zombieObject(ports, object)),
    ...pods
      .filter((pod) => isOld(pod) && !hasRow(parseObjectName(pod.labels['app'] ?? ''), pod.labels['component']))
      .map((pod) => zombiePod(ports, pod)),
  ]
}

/** Removes the zombies of an inventory, roots first, and counts them by kind. Kubernetes deletes most of them with their root. */
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
