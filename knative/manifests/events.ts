/**
 * Fan-out over a broker: a sweep sends an event per analysis, and a Trigger delivers each to the same function, so that its
 * pods share the work. Other services subscribe to analyses with Triggers of their own.
 */

import { RECONCILE_TYPE } from '../../shared/po/events.ts'
import { COMPONENT } from '../../shared/po/names.ts'
import { routes } from '../../shared/routes/index.ts'
import { hints, mayRead } from './api-server-source.ts'
import { labelsOf } from './labels.ts'
import { sinkOf } from './ping-source.ts'

const BROKER = 'po-events'
const DEAD_LETTERS = 'po-dead-letters'

const brokerRef = { apiVersion: 'eventing.knative.dev/v1', kind: 'Broker', name: BROKER } as const
const loop = routes.po.statusReconcile

const broker = {
  apiVersion: brokerRef.apiVersion,
  kind: brokerRef.kind,
  metadata: { name: BROKER, labels: labelsOf(BROKER, 'loop') },
}

/** The next slot repeats lost events, so few retries are enough. Every broker can filter by attributes. */
const trigger = {
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

/** Sets K_SINK of the function to the address of the broker. */
const binding = {
  apiVersion: 'sources.knative.dev/v1',
  kind: 'SinkBinding',
  metadata: { name: BROKER, labels: labelsOf(BROKER, 'loop') },
  spec: {
    subject: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: loop.name },
    sink: { ref: brokerRef },
  },
}

export const eventing = () => [broker, binding, trigger]

export const podHints = () =>
  hints('po-pod-hints', {
    resources: [{ apiVersion: 'v1', kind: 'Pod', selector: { matchLabels: { component: COMPONENT.analysis } } }],
    rules: [mayRead('', 'pods')],
    sink: loop,
  })
