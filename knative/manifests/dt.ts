/**
 * The digital-twin part of an installation: what is made of its rows of the route table, and what surrounds them. Pods of runs
 * have a door of their own, which leads to the functions that check their service's token and to nothing else.
 */

import { COMPONENT, LABEL } from '../../shared/dt/names.ts'
import { RUNS_LISTENER, standingPolicies } from '../../shared/dt/objects/index.ts'
import type { KubernetesObject } from '../../shared/platform/ports.ts'
import { dtRoutes, poRoutes, type Route } from '../../shared/routes/index.ts'
import { loadConfig } from '../../shared/settings/config.ts'
import { labelsOf } from './labels.ts'
import { pingSchedule } from './ping-schedule.ts'
import { sinkOf } from './ping-source.ts'
import { DNS, fromKnative, policy } from './policies.ts'

const RUNS_DOOR = 'dt-runs'
const LOOP = 'dt-loop'
const HINTS = 'dt-hints'

/** What the programs beside a run call, with their service's token. */
export const runRoutes: readonly Route[] = dtRoutes.filter(({ auth }) => auth === 'service')
/** What callers of the API reach: not what is for runs alone. */
export const callerRoutes: readonly Route[] = dtRoutes.filter(({ auth }) => auth !== 'service')

const loop = (): Route | undefined => dtRoutes.find(({ trigger }) => trigger === 'event')

/** Ticks, and news of the Jobs and pods of services: an ApiServerSource guesses wrong plurals, so it watches no resource. */
export function dtSources(intervalSeconds: number): readonly KubernetesObject[] {
  const sink = loop()
  if (!sink) return []
  return [
    {
      apiVersion: 'sources.knative.dev/v1',
      kind: 'PingSource',
      metadata: { name: LOOP, labels: labelsOf(LOOP, 'loop') },
      spec: {
        schedule: pingSchedule(intervalSeconds).schedule,
        timezone: 'UTC',
        contentType: 'application/json',
        data: JSON.stringify({ intervalSeconds }),
        sink: sinkOf(sink),
      },
    },
    ...watcher,
    {
      apiVersion: 'sources.knative.dev/v1',
      kind: 'ApiServerSource',
      metadata: { name: HINTS, labels: labelsOf(HINTS, 'loop') },
      spec: {
        serviceAccountName: HINTS,
        mode: 'Reference',
        resources: [
          { apiVersion: 'batch/v1', kind: 'Job', selector: ofRuns },
          { apiVersion: 'v1', kind: 'Pod', selector: ofRuns },
        ],
        sink: sinkOf(sink),
      },
    },
  ]
}

const ofRuns = { matchLabels: { [LABEL.component]: COMPONENT.run } }

const watcher: readonly KubernetesObject[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: HINTS, labels: labelsOf(HINTS, 'loop') } },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: HINTS, labels: labelsOf(HINTS, 'loop') },
    rules: [
      { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] },
      { apiGroups: ['batch'], resources: ['jobs'], verbs: ['get', 'list', 'watch'] },
    ],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: HINTS, labels: labelsOf(HINTS, 'loop') },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: HINTS },
    subjects: [{ kind: 'ServiceAccount', name: HINTS }],
  },
]

const ofServices = {
  podSelector: {
    matchExpressions: [{ key: LABEL.component, operator: 'In', values: [COMPONENT.run, COMPONENT.server] }],
  },
}

const installed = ({ metadata, ...object }: KubernetesObject): KubernetesObject => ({
  ...object,
  metadata: { ...metadata, labels: { ...labelsOf(metadata.name, 'isolation'), ...metadata.labels } },
})

/** The loop puts the first three back where they are missing, as `DT_EGRESS` and `DNS_PEERS` say. */
export const dtPolicies = (): readonly KubernetesObject[] => [
  ...standingPolicies({ egress: [], dnsPeers: loadConfig([], {}).DNS_PEERS }).map(installed),
  policy(RUNS_DOOR, 'runs', {
    policyTypes: ['Ingress', 'Egress'],
    ingress: [{ from: [ofServices], ports: [{ protocol: 'TCP', port: RUNS_LISTENER.port }] }],
    egress: [{ to: fromKnative }, ...DNS],
  }),
]

/** Everything of the base that only analyses need, as patches that take it away. */
export function withoutPo(): object {
  const names = poRoutes.map(({ name }) => name.replace('po-', '')).join('|')
  const away = (target: object) => ({ target, patch: '$patch: delete\nkind: any\nmetadata: {name: any}\n' })
  const functions = `po-(${names})`
  return {
    apiVersion: 'kustomize.config.k8s.io/v1alpha1',
    kind: 'Component',
    patches: [
      away({ group: 'serving.knative.dev', kind: 'Service', name: functions }),
      away({ version: 'v1', kind: 'ServiceAccount', name: functions }),
      away({ group: 'rbac.authorization.k8s.io', kind: 'Role', name: functions }),
      away({ group: 'rbac.authorization.k8s.io', kind: 'RoleBinding', name: functions }),
      away({ version: 'v1', kind: 'Service', name: 'po-service' }),
      away({ kind: 'PingSource', name: 'po-status-loop' }),
      away({ kind: 'NetworkPolicy', name: 'flame-.*' }),
    ],
    configMapGenerator: [{ name: 'po-gateway', behavior: 'merge', files: ['nginx.conf'] }],
  }
}
