/**
 * Names of the CloudEvents this product sends and takes, and how they are made. Ids are made from what they tell, so that
 * a receiver recognises one that was sent twice. Pure; may import the model and port types.
 */

import type { OutgoingEvent } from '../platform/ports.ts'
import type { ChangeKind, ServiceChange } from './model.ts'

const PREFIX = 'uk.ac.cam.eng.dt.service'

/** Type of the event that tells a change. That of a launch makes `dt-reconcile` look at the service. */
export const changeType = (kind: ChangeKind): string => `${PREFIX}.${kind}`

/** Events whose subject is a service to be looked at. */
export const isAboutService = (type: string): boolean => type.startsWith(`${PREFIX}.`)

/** Where events come from: the digital-twin orchestrator of a namespace. */
export const eventSource = (namespace: string): string => `/namespaces/${namespace}/dt`

export function changeEvent({ id, kind, run, detail, at }: ServiceChange, source: string): OutgoingEvent {
  // A service that is launched anew under its id, or fires again, tells it anew.
  const which = run ? `${run.firing}/${run.index}/${run.attempt}` : String(detail['firing'] ?? at.getTime())
  return {
    id: `${id}/${which}/${kind}`,
    type: changeType(kind),
    source,
    subject: id,
    time: at,
    data: { serviceId: id, ...(run ? { firing: run.firing, index: run.index, attempt: run.attempt } : {}), ...detail },
  }
}
