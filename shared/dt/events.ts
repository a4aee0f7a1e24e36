/**
 * The CloudEvents of services. The id of an event follows from its content, so a receiver recognises one that was sent twice.
 * Pure; may import the model and port types.
 */

import type { OutgoingEvent } from '../platform/ports.ts'
import { type ChangeKind, runKey, type ServiceChange } from './model.ts'

const PREFIX = 'uk.ac.cam.eng.dt.service'

/** The type of a change's event. `dt-reconcile` reconciles a service when it receives the event of its launch. */
export const changeType = (kind: ChangeKind): string => `${PREFIX}.${kind}`

/** True for events whose subject is a service. */
export const isAboutService = (type: string): boolean => type.startsWith(`${PREFIX}.`)

/** The source of events: the digital-twin orchestrator of a namespace. */
export const eventSource = (namespace: string): string => `/namespaces/${namespace}/dt`

export function changeEvent({ id, kind, run, detail, at }: ServiceChange, source: string): OutgoingEvent {
  // A repeated launch and each firing have an id of their own.
  const which = run ? runKey(run) : String(detail['firing'] ?? at.getTime())
  return {
    id: `${id}/${which}/${kind}`,
    type: changeType(kind),
    source,
    subject: id,
    time: at,
    data: { serviceId: id, ...(run ? { firing: run.firing, index: run.index, attempt: run.attempt } : {}), ...detail },
  }
}
