/**
 * The loop over a broker: a sweep sends an event per analysis, a Trigger hands each to the very same function, and more of
 * its pods share the work. Whoever wants to follow analyses adds a Trigger of their own.
 */

import type { KubernetesObject } from '../../shared/platform/ports.ts'
import { RECONCILE_TYPE } from '../../shared/po/events.ts'
import { COMPONENT } from '../../shared/po/names.ts'
import { routes } from '../../shared/routes/index.ts'
import { labelsOf } from './labels.ts'
import { sinkOf } from './ping-source.ts'

const BROKER = 'po-events'
const DEAD_LETTERS = 'po-dead-letters'

const brokerRef = { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name: BROKER }
const loop = routes.po.statusReconcile

const broker: KubernetesObject = {
  apiVersion: brokerRef.apiVersion,
  kind: brokerRef.kind,
  metadata: { name: BROKER, labels: labelsOf(BROKER, 'loop') },
}

/** The next slot tells again what was lost, so a few tries are enough. By attributes: all brokers filter by these. */
const trigger: KubernetesObject = {
  apiVersion: brokerRef.apiVersion,
  kind: 'Trigger',
  metadata: { name: loop.name, labels: labelsOf(loop.name, 'loop') },
  spec: {
    broker: BROKER,
    filter: { attributes: { type: RECONCILE_TYPE } },
    subscriber: sinkOf(loop),
    delivery: {
      retry: 3,
      backoffPolicy: 'exponential',
      backoffDelay: 'PT1S',
      deadLetterSink: { ref: { apiVersion: 'v1', kind: 'Service', name: DEAD_LETTERS } },
    },
  },
}

/** Puts K_SINK, the address of the broker whatever its class, into the function. */
const binding: KubernetesObject = {
  apiVersion: 'sources.knative.dev/v1',
  kind: 'SinkBinding',
  metadata: { name: BROKER, labels: labelsOf(BROKER, 'loop') },
  spec: {
    subject: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: loop.name },
    sink: { ref: brokerRef },
  },
}

export const eventing = (): readonly KubernetesObject[] => [broker, binding, trigger]

const HINTS = 'po-pod-hints'

/** Only watches pods; its adapter runs with this account in the namespace. */
const watcher: readonly KubernetesObject[] = [
  { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: HINTS, labels: labelsOf(HINTS, 'loop') } },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'Role',
    metadata: { name: HINTS, labels: labelsOf(HINTS, 'loop') },
    rules: [{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }],
  },
  {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { name: HINTS, labels: labelsOf(HINTS, 'loop') },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: HINTS },
    subjects: [{ kind: 'ServiceAccount', name: HINTS }],
  },
]

/** News of analysis pods without their content: the loop looks for itself. */
export const podHints = (): readonly KubernetesObject[] => [
  ...watcher,
  {
    apiVersion: 'sources.knative.dev/v1',
    kind: 'ApiServerSource',
    metadata: { name: HINTS, labels: labelsOf(HINTS, 'loop') },
    spec: {
      serviceAccountName: HINTS,
      mode: 'Reference',
      resources: [{ apiVersion: 'v1', kind: 'Pod', selector: { matchLabels: { component: COMPONENT.analysis } } }],
      sink: sinkOf(loop),
    },
  },
]
