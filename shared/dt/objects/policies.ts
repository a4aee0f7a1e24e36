/**
 * Network policies by label and pod port. The standing policy denies all traffic of runs and persistent services; the others,
 * which are also part of the installation, only add permissions:
 *
 *   run → the listener of run-input and run-output, DNS, DT_EGRESS      any pod → persistent service → the same
 */
import { closedWithin } from '../../platform/cidr.ts'
import { dnsEgress } from '../../platform/dns-egress.ts'
import { networkPolicy, type ObjectOf, tcp, type V1 } from '../../platform/objects.ts'
import { COMPONENT, LABEL, RUN_POLICY_NAME, SERVER_POLICY_NAME, STANDING_POLICY_NAME } from '../names.ts'
import type { Egress, ServiceSettings } from '../settings.ts'

/** Pods of the listener, and the port they listen on. */
export const RUNS_LISTENER = { labels: { component: 'dt-runs' }, port: 8080 } as const

const LISTENER = {
  to: [{ podSelector: { matchLabels: RUNS_LISTENER.labels } }],
  ports: tcp(RUNS_LISTENER.port),
}

/** A block never includes addresses of the node itself or of its metadata. */
const addresses = (cidr: string): V1<'NetworkPolicyPeer'> => {
  const except = closedWithin(cidr)
  return { ipBlock: { cidr, ...(except.length > 0 ? { except } : {}) } }
}

const egressRule = ({ to, port }: Egress): V1<'NetworkPolicyEgressRule'> => ({
  to: ['cidr' in to ? addresses(to.cidr) : { podSelector: { matchLabels: { [to.label[0]]: to.label[1] } } }],
  ports: tcp(port),
})

const metadata = (name: string) => ({ name, labels: { [LABEL.component]: COMPONENT.policy } })

const component = (name: keyof typeof COMPONENT) => ({ matchLabels: { [LABEL.component]: COMPONENT[name] } })

export const standingPolicies = ({
  egress,
  dnsPeers,
}: Pick<ServiceSettings, 'egress' | 'dnsPeers'>): readonly ObjectOf<'NetworkPolicy'>[] => {
  const out = [...dnsEgress(dnsPeers), LISTENER, ...egress.map(egressRule)]
  return [
    networkPolicy(
      metadata(STANDING_POLICY_NAME),
      { matchExpressions: [{ key: LABEL.component, operator: 'In', values: [COMPONENT.run, COMPONENT.server] }] },
      {},
    ),
    networkPolicy(metadata(RUN_POLICY_NAME), component('run'), { egress: out }),
    networkPolicy(metadata(SERVER_POLICY_NAME), component('server'), { ingress: [{}], egress: out }),
  ]
}
