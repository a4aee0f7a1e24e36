/**
 * Makes the Kubernetes objects of a run in the one order that never leaves a pod unprotected: standing policy (verified),
 * root, credentials, policies, then the rest at once. A first run costs nine writes; applying twice changes nothing.
 */
import { Fault } from '../platform/fault.ts'
import type { KubernetesObject } from '../platform/ports.ts'
import type { Analysis } from './model.ts'
import { runName, STANDING_POLICY_NAME } from './names.ts'
import {
  credentialsSecret,
  objectsOwnedByPolicy,
  policyOwnedByRoot,
  type RootKind,
  type RunCredentials,
  type RunInput,
  root,
  standingPolicy,
} from './objects/index.ts'
import { PEERS, type Peer, type PeerService } from './ports/cluster.ts'
import type { PoPorts } from './ports.ts'

export type Peers = Readonly<Partial<Record<Peer, PeerService>>>

export const PEER_NAMES = {
  broker: 'message broker',
  storage: 'storage service',
  adapter: 'hub adapter',
  kong: 'kong proxy',
  orchestrator: 'pod orchestration',
} as const satisfies Record<Peer, string>

/**
 * The Services a run needs.
 * @throws Fault `unavailable` that names the missing ones
 */
export async function requirePeers({ cluster }: Pick<PoPorts, 'cluster'>, needsKong: boolean): Promise<Peers> {
  const peers = await cluster.peers()
  const missing = PEERS.filter((peer) => !peers[peer] && (peer !== 'kong' || needsKong))
  if (missing.length === 0) return peers
  const names = missing.map((peer) => PEER_NAMES[peer]).join(', ')
  throw new Fault('unavailable', `No Service was found for: ${names}.`, { retryAfter: 30 })
}

/** Puts the standing default-deny policy back when it is missing. */
export async function ensureStandingPolicy({ cluster }: Pick<PoPorts, 'cluster'>): Promise<void> {
  if (await cluster.find('NetworkPolicy', STANDING_POLICY_NAME)) return
  await cluster.apply(standingPolicy())
}

export function runInput(
  analysis: Analysis,
  peers: Peers,
  { settings }: Pick<PoPorts, 'settings'>,
  rootKind: RootKind = 'ConfigMap',
): RunInput {
  const { id, run, firstRun, projectId, image, needsKong } = analysis
  return { id, run, firstRun, projectId, image, needsKong, peers, rootKind, settings: settings.run }
}

/**
 * Root and credentials of a new incarnation, which only its creation can make: nobody else knows the secrets. The policy of
 * a run comes after both, so that where there is one the credentials were made.
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
  /** Asked before each step; throws when time is up. */
  readonly mayGoOn?: () => void
  /** False: all but the Deployment of the analysis itself. */
  readonly withAnalysis?: boolean
}

/** Everything below the root of one run. */
export async function applyRun(
  { cluster }: Pick<PoPorts, 'cluster'>,
  input: RunInput,
  rootUid: string,
  { mayGoOn = () => {}, withAnalysis = true }: ApplyOptions = {},
): Promise<void> {
  const policy = await cluster.apply(policyOwnedByRoot(input, rootUid))
  const [proxyPolicy, ...guarded] = objectsOwnedByPolicy(input, policy.uid)
  const isAnalysis = ({ kind, metadata }: KubernetesObject) =>
    kind === 'Deployment' && metadata.name === runName(input.id, input.run)
  const wanted = withAnalysis ? guarded : guarded.filter((object) => !isAnalysis(object))
  for (const objects of [[proxyPolicy], wanted]) {
    mayGoOn()
    await applyAll(cluster, objects)
  }
}

/** Side by side. Whoever takes a failed creation back must not meet a write that is still under way: all are waited for. */
async function applyAll(cluster: PoPorts['cluster'], objects: readonly KubernetesObject[]): Promise<void> {
  const results = await Promise.allSettled(objects.map((object) => cluster.apply(object)))
  for (const result of results) if (result.status === 'rejected') throw result.reason
}
