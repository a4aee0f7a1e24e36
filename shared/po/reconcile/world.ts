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
  pullSecretName,
  runName,
} from '../names.ts'
import type { ObjectMeta, OwnedKind, PodFacts, Ports } from '../ports.ts'

interface RunId {
  readonly id: AnalysisId
  readonly run: RunNumber
}

interface IncarnationId extends RunId {
  readonly firstRun: RunNumber
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
}

const byApp = (pods: readonly PodFacts[]): Map<string | undefined, PodFacts[]> =>
  Map.groupBy(pods, ({ labels }) => labels['app'])

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
  }
}

/** Reads all analyses, or one. */
export async function readWorld(ports: Pick<Ports, 'cluster' | 'now'>, id?: AnalysisId): Promise<World> {
  const readAt = ports.now()
  const inventory = await takeInventory(ports, id)
  return { readAt, inventory, ...index(inventory) }
}

export const rootUid = (world: World, { id, firstRun }: IncarnationId): string | undefined =>
  world.uid('Secret', credentialsName(id, firstRun))

/** Only the creation knows the registry password: without the pull Secret it cannot be completed. */
export const isResumable = (world: World, analysis: IncarnationId): boolean =>
  rootUid(world, analysis) !== undefined &&
  world.uid('Secret', pullSecretName(analysis.id, analysis.firstRun)) !== undefined

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
