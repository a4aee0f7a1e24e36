/** What Kubernetes has of all analyses, read once per sweep: one list per owned kind (metadata only) and the pods. */
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
import { type ObjectMeta, OWNED_KINDS, type OwnedKind, type PodFacts, type Ports } from '../ports.ts'

interface RunId {
  readonly id: AnalysisId
  readonly run: RunNumber
}

interface IncarnationId extends RunId {
  readonly firstRun: RunNumber
}

export interface World {
  /** Uid of an object that is there and not being deleted. */
  readonly uid: (kind: OwnedKind, name: string) => string | undefined
  /** Pods of a run's analysis, those that are ending included. */
  readonly analysisPods: (run: RunId) => readonly PodFacts[]
  readonly proxyReady: (run: RunId) => boolean
}

const byApp = (pods: readonly PodFacts[]): Map<string | undefined, PodFacts[]> =>
  Map.groupBy(pods, ({ labels }) => labels['app'])

export async function readWorld({ cluster }: Pick<Ports, 'cluster'>): Promise<World> {
  const ours = { [LABEL.analysis]: undefined }
  const [pods, ...lists] = await Promise.all([
    cluster.pods(ours),
    ...OWNED_KINDS.map((kind) => cluster.list(kind, ours)),
  ])
  const present = lists.flat().filter(({ deleting }) => !deleting)
  const uids = new Map(present.map(({ kind, name, uid }: ObjectMeta) => [`${kind}/${name}`, uid]))
  const analyses = byApp(pods.filter(({ labels }) => labels['component'] === COMPONENT.analysis))
  const proxies = byApp(pods.filter(({ labels }) => labels['component'] === COMPONENT.proxy))
  return {
    uid: (kind, name) => uids.get(`${kind}/${name}`),
    analysisPods: ({ id, run }) => analyses.get(analysisSelector(id, run).app) ?? [],
    proxyReady: ({ id, run }) => proxies.get(proxyName(id, run))?.some(({ ready }) => ready) ?? false,
  }
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
