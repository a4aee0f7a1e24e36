/**
 * Sources and policies of the digital-twin functions. Pods of runs have a gateway of their own, which forwards only to the
 * functions that check the token of a run.
 */
import { COMPONENT, LABEL } from '../../shared/dt/names.ts'
import { RUNS_LISTENER, standingPolicies } from '../../shared/dt/objects/index.ts'
import { type ObjectOf, tcp } from '../../shared/platform/objects.ts'
import type { KubernetesObject } from '../../shared/platform/ports.ts'
import { dtRoutes, poRoutes, type Route } from '../../shared/routes/index.ts'
import { loadConfig } from '../../shared/settings/config.ts'
import { hints, mayRead } from './api-server-source.ts'
import { labelsOf } from './labels.ts'
import { PING_SOURCE, pingSource } from './ping-source.ts'
import { DNS, fromKnative, policy } from './policies.ts'

const RUNS_GATEWAY = 'dt-runs'

/** Called by the programs beside a run, with the run's token. */
export const runRoutes: readonly Route[] = dtRoutes.filter(({ auth }) => auth === 'service')
/** Called by users of the API. */
export const callerRoutes: readonly Route[] = dtRoutes.filter(({ auth }) => auth !== 'service')

/** Ticks, and hints about the Jobs and pods of services. */
export function dtSources(intervalSeconds: number): readonly KubernetesObject[] {
  const sink = dtRoutes.find(({ trigger }) => trigger === 'event')
  if (!sink) return []
  const selector = { matchLabels: { [LABEL.component]: COMPONENT.run } }
  return [
    pingSource(intervalSeconds, 'dt-loop', sink),
    ...hints('dt-hints', {
      resources: [
        { apiVersion: 'batch/v1', kind: 'Job', selector },
        { apiVersion: 'v1', kind: 'Pod', selector },
      ],
      rules: [mayRead('', 'pods'), mayRead('batch', 'jobs')],
      sink,
    }),
  ]
}

const ofServices = {
  podSelector: {
    matchExpressions: [{ key: LABEL.component, operator: 'In', values: [COMPONENT.run, COMPONENT.server] }],
  },
}

const installed = ({ metadata, ...policy }: ObjectOf<'NetworkPolicy'>): ObjectOf<'NetworkPolicy'> => ({
  ...policy,
  metadata: { ...metadata, labels: { ...labelsOf(metadata.name, 'isolation'), ...metadata.labels } },
})

/** The loop applies the first three again if they are missing, with `DT_EGRESS` and `DNS_PEERS`. */
export const dtPolicies = () => [
  ...standingPolicies({ egress: [], dnsPeers: loadConfig([], {}).DNS_PEERS }).map(installed),
  policy(RUNS_GATEWAY, 'runs', {
    ingress: [{ from: [ofServices], ports: tcp(RUNS_LISTENER.port) }],
    egress: [{ to: fromKnative }, ...DNS],
  }),
]

/** Patches that remove everything of the base that only analyses need. */
export function withoutPo(): object {
  const names = poRoutes.map(({ name }) => name.replace('po-', '')).join('|')
  const remove = (target: object) => ({ target, patch: '$patch: delete\nkind: any\nmetadata: {name: any}\n' })
  const functions = `po-(${names})`
  return {
    apiVersion: 'kustomize.config.k8s.io/v1alpha1',
    kind: 'Component',
    patches: [
      remove({ group: 'serving.knative.dev', kind: 'Service', name: functions }),
      remove({ version: 'v1', kind: 'ServiceAccount', name: functions }),
      remove({ group: 'rbac.authorization.k8s.io', kind: 'Role', name: functions }),
      remove({ group: 'rbac.authorization.k8s.io', kind: 'RoleBinding', name: functions }),
      remove({ version: 'v1', kind: 'Service', name: 'po-service' }),
      remove({ kind: 'PingSource', name: PING_SOURCE }),
      remove({ kind: 'NetworkPolicy', name: 'flame-.*' }),
    ],
    configMapGenerator: [{ name: 'po-gateway', behavior: 'merge', files: ['nginx.conf'] }],
  }
}
