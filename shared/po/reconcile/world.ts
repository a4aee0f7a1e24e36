/**
 * The world: what one reading of Kubernetes found of all analyses, or of one, indexed for the questions of the loop.
 * `readWorld` reads it. `rootIn`, `hasCredentials` and `missingParts` answer questions about one incarnation.
 */
import { type Inventory, takeInventory } from '../inventory.ts'
import type { Analysis, AnalysisId } from '../model.ts'
import {
  type AnalysisRunRef,
  analysisSelector,
  COMPONENT,
  credentialsName,
  LABEL,
  policyName,
  proxyConfigName,
  proxyName,
  proxyPolicyName,
  rootName,
  runName,
} from '../names.ts'
import type { RootKind } from '../objects/index.ts'
import type { ObjectMeta, OwnedKind, PoPodFacts, SecretMeta } from '../ports/cluster.ts'
import type { PoPorts } from '../ports.ts'

type Incarnation = Pick<Analysis, 'id' | 'run' | 'firstRun' | 'restarts'>

/** The object that owns, directly or indirectly, all others of an incarnation. */
export interface Root {
  readonly kind: RootKind
  readonly uid: string
}

export interface World {
  /** When the reading began. Objects that were made later may be missing. */
  readonly readAt: Date
  readonly inventory: Inventory
  /** Uid of an object that exists and is not being deleted. */
  readonly uid: (kind: OwnedKind, name: string) => string | undefined
  /** Pods of the analysis itself, including those that are terminating. */
  readonly analysisPods: (run: AnalysisRunRef) => readonly PoPodFacts[]
  readonly proxyReady: (run: AnalysisRunRef) => boolean
  /** The Deployment that was taken over from another orchestrator, even while it is being deleted; undefined for our own. */
  readonly adopted: (run: AnalysisRunRef) => Pick<ObjectMeta, 'deleting'> | undefined
  /** Secret name → uid of the roots that version 0.1 made, taken from the owner references of their policies. */
  readonly formerRoots: ReadonlyMap<string, string>
}

const isSecret = ({ kind }: ObjectMeta['owners'][number]): boolean => kind === 'Secret'

const byApp = (pods: readonly PoPodFacts[]): Map<string | undefined, PoPodFacts[]> =>
  Map.groupBy(pods, ({ labels }) => labels['app'])

const formerRoots = (objects: readonly ObjectMeta[]): Map<string, string> =>
  new Map(objects.flatMap(({ owners }) => owners.filter(isSecret).map(({ name, uid }) => [name, uid] as const)))

function index({ objects, pods }: Inventory): Omit<World, 'readAt' | 'inventory'> {
  const present = objects.filter(({ deleting }) => !deleting)
  const uids = new Map(present.map(({ kind, name, uid }: ObjectMeta) => [`${kind}/${name}`, uid]))
  const adopted = new Map(
    objects
      .filter(({ kind, labels }) => kind === 'Deployment' && labels[LABEL.adopted] !== undefined)
      .map((object) => [object.name, object]),
  )
  const analyses = byApp(pods.filter(({ labels }) => labels['component'] === COMPONENT.analysis))
  const proxies = byApp(pods.filter(({ labels }) => labels['component'] === COMPONENT.proxy))
  return {
    uid: (kind, name) => uids.get(`${kind}/${name}`),
    analysisPods: ({ id, run }) => analyses.get(analysisSelector(id, run).app) ?? [],
    proxyReady: ({ id, run }) => proxies.get(proxyName(id, run))?.some(({ ready }) => ready) ?? false,
    adopted: ({ id, run }) => adopted.get(runName(id, run)),
    formerRoots: formerRoots(objects),
  }
}

export async function readWorld(ports: Pick<PoPorts, 'cluster' | 'now'>, id?: AnalysisId): Promise<World> {
  const readAt = ports.now()
  const inventory = await takeInventory(ports, id)
  return { readAt, inventory, ...index(inventory) }
}

/**
 * The root of an incarnation. In version 0.1 it was a Secret. The loop may not read Secrets, so it finds such a root by the
 * policies that it owns.
 */
export function rootIn(world: World, { id, firstRun }: Incarnation): Root | undefined {
  const uid = world.uid('ConfigMap', rootName(id, firstRun))
  if (uid) return { kind: 'ConfigMap', uid }
  const former = world.formerRoots.get(credentialsName(id, firstRun))
  return former ? { kind: 'Secret', uid: former } : undefined
}

/**
 * The same, for a caller that has just patched the credentials Secret. Between two runs of an analysis of version 0.1 there is
 * no policy; then the Secret is the root if it has no owner itself.
 */
export function rootAt(world: World, incarnation: Incarnation, { uid, owners }: SecretMeta): Root | undefined {
  return rootIn(world, incarnation) ?? (owners.length === 0 ? { kind: 'Secret', uid } : undefined)
}

/**
 * Whether the credentials of an incarnation exist. Only its creation knows them, and applies them before the first policy. So
 * a policy or a restart proves that they exist; without them the creation cannot be completed.
 */
export const hasCredentials = (world: World, { id, run, restarts }: Incarnation): boolean =>
  restarts > 0 || world.uid('NetworkPolicy', policyName(id, run)) !== undefined

/** Objects of a run that are missing. Its own Deployment is left out: that it is missing is an observation. */
export function missingParts(world: World, { id, run }: AnalysisRunRef): string[] {
  const parts: readonly (readonly [OwnedKind, string])[] = [
    ['NetworkPolicy', policyName(id, run)],
    ['NetworkPolicy', proxyPolicyName(id, run)],
    ['ConfigMap', proxyConfigName(id, run)],
    ['Service', proxyName(id, run)],
    ['Deployment', proxyName(id, run)],
    ['Service', runName(id, run)],
  ]
  return parts.filter(([kind, name]) => !world.uid(kind, name)).map(([kind, name]) => `${kind} ${name}`)
}
