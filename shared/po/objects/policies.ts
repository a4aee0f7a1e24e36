/**
 * NetworkPolicies by label and pod port. The standing policy denies everything; a run's policies only add:
 *
 *   broker, orchestrator, nextflow → proxy ⇄ analysis      proxy → the peers it forwards to      both → DNS
 */
import { dnsEgress } from '../../platform/dns-egress.ts'
import { type Labels, networkPolicy, type ObjectOf, tcp } from '../../platform/objects.ts'
import {
  analysisSelector,
  COMPONENT,
  FORMER_PROXIES_POLICY_NAME,
  LABEL,
  policyName,
  proxyPolicyName,
  proxySelector,
  STANDING_POLICY_NAME,
} from '../names.ts'
import type { PeerService } from '../ports/cluster.ts'
import { ANALYSIS_PORT } from './analysis.ts'
import type { RunInput } from './input.ts'
import { componentLabels } from './metadata.ts'
import { PROXY_PORT, reachablePeers } from './proxy.ts'

/** Pods that poll analyses. */
const ORCHESTRATOR: Labels = { component: 'flame-po' }
/** Pods that report finished pipelines to `/analysis/nextflow`. */
const NEXTFLOW: Labels = { app: 'nextflow' }

const pods = (matchLabels: Labels) => ({ podSelector: { matchLabels } })

/** A Service without selector is not reachable: the empty selector `{}` would select all pods. */
const hasPods = (peer: PeerService): boolean => Object.keys(peer.selector).length > 0

/** Part of the installation, for all runs: a pod is isolated even if the policies of its run are missing. */
export const standingPolicy = (): ObjectOf<'NetworkPolicy'> =>
  networkPolicy(
    { name: STANDING_POLICY_NAME, labels: { component: COMPONENT.standingPolicy } },
    { matchExpressions: [{ key: 'component', operator: 'In', values: [COMPONENT.analysis, COMPONENT.proxy] }] },
    {},
  )

/** Used while the Python service is replaced: its proxies have no policy, so the standing policy would deny their traffic. */
export const formerProxiesPolicy = (): ObjectOf<'NetworkPolicy'> =>
  networkPolicy(
    { name: FORMER_PROXIES_POLICY_NAME, labels: { component: COMPONENT.standingPolicy } },
    {
      matchLabels: { component: COMPONENT.proxy },
      matchExpressions: [{ key: LABEL.analysis, operator: 'DoesNotExist' }],
    },
    { ingress: [{}], egress: [{}] },
  )

/** The specifications of the policies that apply to a run as JSON, by name. */
export const policySpecs = (input: RunInput): Record<string, string> =>
  Object.fromEntries(
    [standingPolicy(), analysisPolicy(input), proxyPolicy(input)].map(({ metadata, spec }) => [
      metadata.name,
      JSON.stringify(spec),
    ]),
  )

/** Allows an analysis only its proxy and DNS. */
export function analysisPolicy(input: RunInput): ObjectOf<'NetworkPolicy'> {
  const { id, run } = input
  const proxy = pods(proxySelector(id, run))
  return networkPolicy(
    { name: policyName(id, run), labels: componentLabels(input, 'policy') },
    { matchLabels: analysisSelector(id, run) },
    {
      ingress: [{ from: [proxy], ports: tcp(ANALYSIS_PORT) }],
      egress: [{ to: [proxy], ports: tcp(PROXY_PORT) }, ...dnsEgress(input.settings.dnsPeers)],
    },
  )
}

export function proxyPolicy(input: RunInput): ObjectOf<'NetworkPolicy'> {
  const { id, run } = input
  const analysis = pods(analysisSelector(id, run))
  const { broker, ...others } = reachablePeers(input)
  const peers = [broker, ...Object.values(others)].filter((peer) => peer !== undefined).filter(hasPods)
  const callers = [ORCHESTRATOR, ...(broker && hasPods(broker) ? [broker.selector] : []), NEXTFLOW]
  return networkPolicy(
    { name: proxyPolicyName(id, run), labels: componentLabels(input, 'proxyPolicy') },
    { matchLabels: proxySelector(id, run) },
    {
      ingress: [{ from: [analysis, ...callers.map(pods)], ports: tcp(PROXY_PORT) }],
      egress: [
        ...peers.map((peer) => ({ to: [pods(peer.selector)], ports: tcp(peer.targetPort) })),
        { to: [analysis], ports: tcp(ANALYSIS_PORT) },
        ...dnsEgress(input.settings.dnsPeers),
      ],
    },
  )
}
