/**
 * The CloudEvents of PO: their types, and their content. An id is derived from the content, so a receiver recognises an event
 * that is delivered twice. Pure; may import the model and port types.
 */

import type { OutgoingEvent } from '../platform/ports.ts'
import type { AnalysisChange, AnalysisId, ChangeTo } from './model.ts'

const PREFIX = 'de.privateaim.po.analysis'

/** Hint for `status-reconcile` to reconcile the analysis that is the subject of the event. */
export const RECONCILE_TYPE = `${PREFIX}.reconcile`

/** Type of the event that publishes a change. */
export const changeType = (to: ChangeTo): string => `${PREFIX}.${to}`

export const eventSource = (namespace: string): string => `/namespaces/${namespace}/po`

/** No run enters a state twice, and run numbers of an id never repeat, so event ids are unique. */
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
