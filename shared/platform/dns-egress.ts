/**
 * Egress rules to the name servers of the cluster, for every policy that lets a pod resolve names. Which pods answer differs
 * between clusters: CoreDNS in `kube-system`, a cache on each node's own address, or OpenShift's, which listens on 5353. Pure.
 */

import type { V1 } from './objects.ts'

/** Name servers as a policy selects them: pods by label, or addresses, and the port that the pods listen on. */
export type DnsPeer = {
  readonly to:
    | { readonly namespace: string; readonly label: readonly [key: string, value: string] }
    | { readonly cidr: string }
  readonly port: number
}

const destination = ({ to }: DnsPeer): V1<'NetworkPolicyPeer'> =>
  'cidr' in to
    ? { ipBlock: { cidr: to.cidr } }
    : {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': to.namespace } },
        podSelector: { matchLabels: { [to.label[0]]: to.label[1] } },
      }

/** One rule per port, since a rule allows each of its ports to each of its destinations. */
export const dnsEgress = (peers: readonly DnsPeer[]): V1<'NetworkPolicyEgressRule'>[] =>
  [...Map.groupBy(peers, ({ port }) => port)].map(([port, servers]) => ({
    to: servers.map(destination),
    ports: [
      { protocol: 'UDP', port },
      { protocol: 'TCP', port },
    ],
  }))
