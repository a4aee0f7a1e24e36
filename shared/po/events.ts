/**
 * Names of the CloudEvents this product sends and takes, and how they are made. Ids are made from what they tell, so that
 * a receiver recognises one that was sent twice. Pure; may import the model and port types.
 */

import type { OutgoingEvent } from '../platform/ports.ts'
import type { AnalysisChange, AnalysisId, ChangeTo } from './model.ts'

const PREFIX = 'de.privateaim.po.analysis'

/** Asks `status-reconcile` to look at the analysis that is the event's subject. */
export const RECONCILE_TYPE = `${PREFIX}.reconcile`

/** Type of the event that tells a change. */
export const changeType = (to: ChangeTo): string => `${PREFIX}.${to}`

/** Where events come from: the pod orchestration of a namespace. */
export const eventSource = (namespace: string): string => `/namespaces/${namespace}/po`

/** No run enters a state twice, and no id sees a run number twice: so these ids never repeat. */
export function changeEvent({ id, run, to, progress, cause, at }: AnalysisChange, source: string): OutgoingEvent {
  return {
    id: `${id}/${run}/${to}`,
    type: changeType(to),
    source,
    subject: id,
    time: at,
    data: { analysisId: id, run, state: to, progress, cause },
  }
}

export function reconcileEvent(id: AnalysisId, slot: number, at: Date, source: string): OutgoingEvent {
  return {
    id: `${slot}/${id}`,
    type: RECONCILE_TYPE,
    source,
    subject: id,
    time: at,
    data: { analysisId: id, slot },
  }
}
