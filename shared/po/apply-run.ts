/**
 * Applies the Kubernetes objects of a run in the one order that never leaves a pod without its policies: standing policy
 * (verified), root, credentials, policies, then the rest at once. A first run costs nine writes; a repetition changes nothing.
 */
import { allSettledOrThrow } from '../platform/concurrency.ts'
import { Fault } from '../platform/fault.ts'
import type { KubernetesObject } from '../platform/ports.ts'
import type { Analysis } from './model.ts'
import { type AnalysisRunRef, runName, STANDING_POLICY_NAME } from './names.ts'
import {
  credentialsSecret,
  objectsOwnedByPolicy,
  policyOwnedByRoot,
  policySpecs,
  type RootKind,
  type RunCredentials,
  type RunInput,
  root,
  standingPolicy,
} from './objects/index.ts'
import { PEERS, type Peer, type PeerService } from './ports/cluster.ts'
import type { PoPorts } from './ports.ts'

export type Peers = Readonly<Partial<Record<Peer, PeerService>>>

const PEER_NAMES = {
  broker: 'message broker',
  storage: 'storage service',
  adapter: 'hub adapter',
  kong: 'kong proxy',
  orchestrator: 'pod orchestration',
} as const satisfies Record<Peer, string>

/**
 * Finds the Services that a run needs.
 * @throws Fault `unavailable` that names the missing ones
 */
export async function requirePeers({ cluster }: Pick<PoPorts, 'cluster'>, needsKong: boolean): Promise<Peers> {
  const peers = await cluster.peers()
  const missing = missingPeers(peers, needsKong)
  if (missing.length === 0) return peers
  throw new Fault('unavailable', `No Service was found for: ${missing.join(', ')}.`, { retryAfter: 30 })
}

export const missingPeers = (peers: Peers, needsKong: boolean): string[] =>
  PEERS.filter((peer) => !peers[peer] && (peer !== 'kong' || needsKong)).map((peer) => PEER_NAMES[peer])

export async function ensureStandingPolicy({ cluster }: Pick<PoPorts, 'cluster'>): Promise<void> {
  if (await cluster.find('NetworkPolicy', STANDING_POLICY_NAME)) return
  await cluster.apply(standingPolicy())
}

export function runInput(
  analysis: Analysis,
  peers: Peers,
  { settings }: Pick<PoPorts, 'settings'>,
  rootKind: RootKind = 'ConfigMap',
  neighbour: AnalysisRunRef | null = null,
): RunInput {
  const { id, run, firstRun, projectId, image, needsKong } = analysis
  return { id, run, firstRun, projectId, image, needsKong, peers, neighbour, rootKind, settings: settings.run }
}

/**
 * Applies root and credentials of a new incarnation. Only its creation can do this, because the secrets are stored nowhere.
 * The policy of a run is applied after both, so a policy implies that the credentials exist.
 */
export async function applyRoot(
  { cluster }: Pick<PoPorts, 'cluster'>,
  input: RunInput,
  credentials: RunCredentials,
): Promise<string> {
  const { uid } = await cluster.apply(root(input))
  await cluster.apply(credentialsSecret(input, uid, credentials))
  return uid
}

interface ApplyOptions {
  /** Called before each step. Throws when the time is up. */
  readonly checkDeadline?: () => void
  /** False: everything except the Deployment of the analysis itself. */
  readonly withAnalysis?: boolean
}

/** Resolves to the specifications of the policies that apply to the run, as JSON, by name. */
export async function applyRun(
  { cluster }: Pick<PoPorts, 'cluster'>,
  input: RunInput,
  rootUid: string,
  { checkDeadline = () => {}, withAnalysis = true }: ApplyOptions = {},
): Promise<Readonly<Record<string, string>>> {
  const policy = await cluster.apply(policyOwnedByRoot(input, rootUid))
  const [proxyPolicy, ...rest] = objectsOwnedByPolicy(input, policy.uid)
  const isAnalysis = ({ kind, metadata }: KubernetesObject) =>
    kind === 'Deployment' && metadata.name === runName(input.id, input.run)
  const wanted = withAnalysis ? rest : rest.filter((object) => !isAnalysis(object))
  for (const objects of [[proxyPolicy], wanted]) {
    checkDeadline()
    // A write that is still open must not recreate what the undo of a failed creation deletes: wait for all of them.
    await allSettledOrThrow(...objects.map((object) => cluster.apply(object)))
  }
  return policySpecs(input)
}
