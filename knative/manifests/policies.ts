/**
 * Who may reach our own pods. The standing policy of analyses is the one that `create` puts back where it is missing; the
 * others close everything but the ways that are used: callers → gateway → Knative → functions.
 */

import { dnsEgress } from '../../shared/platform/dns-egress.ts'
import { networkPolicy, tcp, type V1 } from '../../shared/platform/objects.ts'
import { standingPolicy } from '../../shared/po/objects/index.ts'
import { loadConfig } from '../../shared/settings/config.ts'
import { type Component, labelsOf, selectorOf } from './labels.ts'

/**
 * Knative's activator and autoscaler, and the networking layers it is installed with: requests to a function come out of
 * one of these. A cluster with another one adds its namespace in an overlay.
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

/** Where functions go themselves (database, Keycloak, Hub) is the site's affair; who gets in is not. */
const ofFunctions = policy('po-functions', 'function', { policyTypes: ['Ingress'], ingress: [{ from: fromKnative }] })

const ofGateway = policy('po-gateway', 'gateway', {
  ingress: [{ ports: tcp(8080) }],
  egress: [{ to: fromKnative }, ...DNS],
})

const ofMigration = policy('po-migrate', 'migrate', { policyTypes: ['Ingress'] })

export const policies = () => [standingPolicy(), ofFunctions, ofGateway, ofMigration]
