/** The PingSource that ticks the status loop, as an object. */
import type { KubernetesObject } from '../../shared/platform/ports.ts'
import { routes } from '../../shared/routes/index.ts'
import { labelsOf } from './labels.ts'
import { pingSchedule } from './ping-schedule.ts'

export const PING_SOURCE = 'po-status-loop'

/** A ksvc as the sink of a source or the subscriber of a Trigger. */
export const sinkOf = ({ name }: { readonly name: string }) => ({
  ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name },
})

/** The data is an object, and says so: event functions refuse ticks without data or of another type. */
export const pingSource = (intervalSeconds: number) =>
  ({
    apiVersion: 'sources.knative.dev/v1',
    kind: 'PingSource',
    metadata: { name: PING_SOURCE, labels: labelsOf(PING_SOURCE, 'loop') },
    spec: {
      schedule: pingSchedule(intervalSeconds).schedule,
      timezone: 'UTC',
      contentType: 'application/json',
      data: JSON.stringify({ intervalSeconds }),
      sink: sinkOf(routes.po.statusReconcile),
    },
  }) satisfies KubernetesObject
