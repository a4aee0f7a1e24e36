/**
 * The Kubernetes objects of an incarnation and of its runs, in the order in which they are applied:
 *
 *   ConfigMap without data (root)
 *   ├── credentials Secret
 *   └── policy of run n
 *       └── proxy policy, ConfigMap, proxy Service, proxy Deployment, analysis Service, analysis Deployment
 *
 * An owner is deleted in the foreground, so pods end before the policies that isolate them. No code reads a Secret back: roots
 * are ConfigMaps, and the Secret is deleted with its root. A restart replaces the policy of run n by that of run n + 1 below
 * the same root and needs no secret. Pure.
 */
import { type ObjectOf, ownerReference, withOwner } from '../../platform/objects.ts'
import type { KubernetesObject } from '../../platform/ports.ts'
import { analysisDeployment, analysisService } from './analysis.ts'
import type { RunInput } from './input.ts'
import { analysisPolicy, proxyPolicy } from './policies.ts'
import { proxyConfig, proxyDeployment, proxyService } from './proxy.ts'
import { rootOf } from './root.ts'

export type { RootKind, RunInput } from './input.ts'
export { RUN_HEADER } from './locations.ts'
export { labelValue, runLabels } from './metadata.ts'
export { formerProxiesPolicy, policySpecs, standingPolicy } from './policies.ts'
export { objectsOfProbe, PROBE_SELECTOR, probeRoot } from './probe.ts'
export { root, rootOf } from './root.ts'
export { CREDENTIAL_KEYS, credentialsSecret, type RunCredentials } from './secrets.ts'

export const policyOwnedByRoot = (input: RunInput, rootUid: string): ObjectOf<'NetworkPolicy'> =>
  withOwner(ownerReference(rootOf(input), rootUid), analysisPolicy(input))

/** The policy of the proxy comes first, because no pod may run without its policy. The others need no order. */
export const objectsOwnedByPolicy = (
  input: RunInput,
  policyUid: string,
): readonly [KubernetesObject, ...KubernetesObject[]] => {
  const owner = ownerReference(analysisPolicy(input), policyUid)
  return [
    withOwner(owner, proxyPolicy(input)),
    withOwner(owner, proxyConfig(input)),
    withOwner(owner, proxyService(input)),
    withOwner(owner, proxyDeployment(input)),
    withOwner(owner, analysisService(input)),
    withOwner(owner, analysisDeployment(input)),
  ]
}
