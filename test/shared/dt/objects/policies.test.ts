/** Who may talk to whom: denied by default, and open to exactly the peers that are named here. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { RUNS_LISTENER, standingPolicies } from '../../../../shared/dt/objects/index.ts'
import type { Egress } from '../../../../shared/dt/settings.ts'
import { CASES, SETTINGS } from './input.ts'
import { type Template, templatesOf } from './pods.ts'

interface Rule {
  readonly to?: readonly object[]
  readonly ports?: readonly { readonly protocol: string; readonly port: number }[]
}
interface Policy {
  readonly podSelector: {
    readonly matchLabels?: Readonly<Record<string, string>>
    readonly matchExpressions?: readonly {
      readonly key: string
      readonly operator: string
      readonly values: string[]
    }[]
  }
  readonly policyTypes: readonly string[]
  readonly ingress?: readonly object[]
  readonly egress?: readonly Rule[]
}

const WAYS_OUT: readonly Egress[] = [
  { to: { label: ['app', 'fhir-gateway'] }, port: 8443 },
  { to: { cidr: '10.20.0.0/16' }, port: 5432 },
]
const policiesOf = (egress: readonly Egress[]) =>
  Object.fromEntries(
    standingPolicies({ ...SETTINGS, egress }).map(({ metadata, spec }) => [metadata.name, spec as Policy]),
  )

const DNS = {
  to: [
    {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
      podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
    },
  ],
  ports: [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ],
}
const LISTENER = {
  to: [{ podSelector: { matchLabels: { component: 'dt-runs' } } }],
  ports: [{ protocol: 'TCP', port: 8080 }],
}

test('there are three: one that denies, and two that add to it', () => {
  expect(Object.keys(policiesOf([]))).toEqual(['dt-run-default-deny', 'dt-run', 'dt-server'])
})

describe.each([
  ['no way out', []],
  ['ways out', WAYS_OUT],
])('with %s', (_, egress) => {
  const policies = policiesOf(egress)

  test('the first denies everything to every pod of a service, in both directions', () => {
    const { podSelector, ...rest } = policies['dt-run-default-deny'] ?? {}
    expect(rest).toEqual({ policyTypes: ['Ingress', 'Egress'] })
    const [{ key, operator, values } = { key: '', operator: '', values: [] }] = podSelector?.matchExpressions ?? []
    expect(operator).toBe('In')
    for (const { objects } of Object.values(CASES))
      for (const { metadata } of templatesOf(objects)) expect(values).toContain(metadata.labels[key])
  })

  test.each(['dt-run', 'dt-server'])(
    '%s: reaches DNS, the listener of runs, the ways out, and nothing else',
    (name) => {
      expect(policies[name]?.policyTypes).toEqual(['Ingress', 'Egress'])
      const [dns, listener, ...others] = policies[name]?.egress ?? []
      expect(dns).toEqual(DNS)
      expect(listener).toEqual(LISTENER)
      expect(others).toEqual(
        egress.length === 0
          ? []
          : [
              {
                to: [{ podSelector: { matchLabels: { app: 'fhir-gateway' } } }],
                ports: [{ protocol: 'TCP', port: 8443 }],
              },
              { to: [{ ipBlock: { cidr: '10.20.0.0/16' } }], ports: [{ protocol: 'TCP', port: 5432 }] },
            ],
      )
    },
  )

  test('nobody reaches a run, and anybody a persistent service', () => {
    expect(policies['dt-run']).not.toHaveProperty('ingress')
    expect(policies['dt-server']?.ingress).toEqual([{}])
  })

  test('each applies to the pods that are labelled for it', () => {
    for (const [name, component] of [
      ['dt-run', 'dt-run'],
      ['dt-server', 'dt-server'],
    ] as const)
      expect(policies[name]?.podSelector).toEqual({ matchLabels: { 'app.kubernetes.io/component': component } })
  })

  test('no rule is open at one of its ends', () => {
    for (const { egress: rules = [] } of Object.values(policies))
      for (const { to = [], ports = [] } of rules) {
        expect([to.length, ports.length].every((length) => length > 0)).toBe(true)
        expect(JSON.stringify(to)).not.toMatch(/\{\}/)
      }
  })
})

test('a wide block does not open the addresses of the node and of its metadata', () => {
  const [, , all] = policiesOf([{ to: { cidr: '0.0.0.0/0' }, port: 443 }])['dt-run']?.egress ?? []
  expect(all?.to).toEqual([
    {
      ipBlock: {
        cidr: '0.0.0.0/0',
        except: ['127.0.0.0/8', '169.254.0.0/16', '168.63.129.16/32', '100.100.100.200/32'],
      },
    },
  ])
})

test('the listener is the one that the installation deploys', () => {
  const file = new URL('../../../../knative/config/components/dt/runs/deployment.yaml', import.meta.url)
  const [deployment] = parseAllDocuments(readFileSync(file, 'utf8'))
    .map((document) => document.toJS() as { kind: string; spec: { template: Template } })
    .filter(({ kind }) => kind === 'Deployment')
  expect(deployment?.spec.template.metadata.labels).toMatchObject(RUNS_LISTENER.labels)
  expect(deployment?.spec.template.spec.containers[0]?.ports).toMatchObject([{ containerPort: RUNS_LISTENER.port }])
})
