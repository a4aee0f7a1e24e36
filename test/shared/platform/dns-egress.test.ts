import { expect, test } from 'vitest'
import { dnsEgress } from '../../../shared/platform/dns-egress.ts'

const COREDNS = { to: { namespace: 'kube-system', label: ['k8s-app', 'kube-dns'] }, port: 53 } as const
const CACHE = { to: { cidr: '169.254.20.10/32' }, port: 53 } as const
const OPENSHIFT = { to: { namespace: 'openshift-dns', label: ['dns', 'default'] }, port: 5353 } as const

const both = (port: number) => [
  { protocol: 'UDP', port },
  { protocol: 'TCP', port },
]
const podsOf = (namespace: string, labels: object) => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
  podSelector: { matchLabels: labels },
})

test('name servers on one port share a rule, and none is reached on the port of another', () => {
  expect(dnsEgress([COREDNS, CACHE, OPENSHIFT])).toEqual([
    {
      to: [podsOf('kube-system', { 'k8s-app': 'kube-dns' }), { ipBlock: { cidr: '169.254.20.10/32' } }],
      ports: both(53),
    },
    { to: [podsOf('openshift-dns', { dns: 'default' })], ports: both(5353) },
  ])
})
