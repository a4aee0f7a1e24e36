/** What Kubernetes has of the analyses a sweep looks at, in the shape its questions have. */
import { type Inventory, takeInventory } from '../inventory.ts'
import type { AnalysisId, RunNumber } from '../model.ts'
import {
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
import type { ObjectMeta, OwnedKind, PodFacts, SecretMeta } from '../ports/cluster.ts'
import type { Ports } from '../ports.ts'

interface RunId {
  readonly id: AnalysisId
  readonly run: RunNumber
}

interface IncarnationId extends RunId {
  readonly firstRun: RunNumber
  readonly restarts: number
}

/** What everything of an incarnation hangs on. */
export interface Root {
  readonly kind: RootKind
  readonly uid: string
}

export interface World {
  /** When reading began: what came later may be missing. */
  readonly readAt: Date
  readonly inventory: Inventory
  /** Uid of an object that is there and not being deleted. */
  readonly uid: (kind: OwnedKind, name: string) => string | undefined
  /** Pods of a run's analysis, those that are ending included. */
  readonly analysisPods: (run: RunId) => readonly PodFacts[]
  readonly proxyReady: (run: RunId) => boolean
  /** Its Deployment as it was taken over, be it that it is being deleted; undefined where it is of our making. */
  readonly adopted: (run: RunId) => Pick<ObjectMeta, 'deleting'> | undefined
  /** By the name of the Secret: uids of roots that version 0.1 made, as their policies name them. */
  readonly formerRoots: ReadonlyMap<string, string>
}

const isSecret = ({ kind }: ObjectMeta['owners'][number]): boolean => kind === 'Secret'

const byApp = (pods: readonly PodFacts[]): Map<string | undefined, PodFacts[]> =>
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

/** Reads all analyses, or one. */
export async function readWorld(ports: Pick<Ports, 'cluster' | 'now'>, id?: AnalysisId): Promise<World> {
  const readAt = ports.now()
  const inventory = await takeInventory(ports, id)
  return { readAt, inventory, ...index(inventory) }
}

/**
 * The root of an incarnation. Nothing reads Secrets, so that one of version 0.1, whose root is a Secret, is known by the
 * policies that it owns.
 */
export function rootIn(world: World, { id, firstRun }: IncarnationId): Root | undefined {
  const uid = world.uid('ConfigMap', rootName(id, firstRun))
  if (uid) return { kind: 'ConfigMap', uid }
  const former = world.formerRoots.get(credentialsName(id, firstRun))
  return former ? { kind: 'Secret', uid: former } : undefined
}

/**
 * The same, where the credentials were just seen. Between two runs of an analysis of version 0.1 there is no policy, and
 * nothing but the Secret itself says that it is the root: it hangs on nothing.
 */
export function rootAt(world: World, incarnation: IncarnationId, { uid, owners }: SecretMeta): Root | undefined {
  return rootIn(world, incarnation) ?? (owners.length === 0 ? { kind: 'Secret', uid } : undefined)
}

/**
 * Only the creation knows the secrets. They are applied before the first policy of the incarnation, and before it can
 * restart: without either nothing says that they were made, and it cannot be completed.
 */
export const hasCredentials = (world: World, { id, run, restarts }: IncarnationId): boolean =>
  restarts > 0 || world.uid('NetworkPolicy', policyName(id, run)) !== undefined

/** Objects of a run that are missing, but for its Deployment, whose absence is an observation of its own. */
export function missingParts(world: World, { id, run }: RunId): string[] {
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
