/**
 * NetworkPolicies of the installation. They allow only callers → gateway → Knative → functions. `create` applies the standing
 * policy of analyses again if it is missing.
 */

import { dnsEgress } from '../../shared/platform/dns-egress.ts'
import { networkPolicy, tcp, type V1 } from '../../shared/platform/objects.ts'
import { standingPolicy } from '../../shared/po/objects/index.ts'
import { loadConfig } from '../../shared/settings/config.ts'
import { type Component, labelsOf, selectorOf } from './labels.ts'

/**
 * Namespaces of Knative's activator and autoscaler and of its networking layers, from which requests to functions come. An
 * overlay adds the namespace of another layer.
 */
export const KNATIVE_NAMESPACES: readonly string[] = [
  'knative-serving',
  'kourier-system',
  'istio-system',
  'contour-external',
  'contour-internal',
  'envoy-gateway-system',
]

export const fromKnative: readonly V1<'NetworkPolicyPeer'>[] = [
  {
    namespaceSelector: {
      matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: KNATIVE_NAMESPACES }],
    },
  },
]

/** Static: `DNS_PEERS` does not change them, and a site with other name servers patches these rules in its overlay. */
export const DNS = dnsEgress(loadConfig([], {}).DNS_PEERS)

type Rules = Parameters<typeof networkPolicy>[2]

export const policy = (name: string, component: Component, rules: Rules) =>
  networkPolicy({ name, labels: labelsOf(name, 'isolation') }, { matchLabels: selectorOf(component) }, rules)

/** Restricts only ingress: the addresses of database, Keycloak and Hub depend on the site. */
const ofFunctions = policy('po-functions', 'function', { policyTypes: ['Ingress'], ingress: [{ from: fromKnative }] })

const ofGateway = policy('po-gateway', 'gateway', {
  ingress: [{ ports: tcp(8080) }],
  egress: [{ to: fromKnative }, ...DNS],
})

const ofMigration = policy('po-migrate', 'migrate', { policyTypes: ['Ingress'] })

export const policies = () => [standingPolicy(), ofFunctions, ofGateway, ofMigration]
