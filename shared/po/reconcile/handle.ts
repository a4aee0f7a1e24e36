/**
 * What an event asks for: a look at one analysis, or a sweep. News of a pod are a hint to look at its analysis now and not at
 * the next tick; they may be lost, doubled or late. Any other event is a tick, whoever sends it.
 */
import { Fault } from '../../platform/fault.ts'
import { RECONCILE_TYPE } from '../events.ts'
import { parseAnalysisId } from '../model.ts'
import { parseObjectName } from '../names.ts'
import type { Memory } from './memory.ts'
import { reconcileOne } from './one.ts'
import type { SweepPorts } from './sweep.ts'
import { tick } from './tick.ts'

/** Of an ApiServerSource, in either mode; the subject is the path of the object. */
const NEWS = /^dev\.knative\.apiserver\.(?:ref|resource)\./

/** @throws Fault `bad_request` for an event about no analysis, `unavailable` when it should be sent again */
export async function handleEvent(
  ports: SweepPorts,
  memory: Memory,
  event: { readonly type: string; readonly subject?: string | undefined },
): Promise<void> {
  if (NEWS.test(event.type)) {
    const run = parseObjectName(event.subject?.split('/').at(-1) ?? '')
    if (run) await reconcileOne(ports, run.id, memory)
    return
  }
  if (event.type !== RECONCILE_TYPE) {
    await tick(ports, memory)
    return
  }
  const id = parseAnalysisId(event.subject ?? '')
  if (!id)
    throw new Fault('bad_request', `The subject of an event of type ${RECONCILE_TYPE} must be the id of an analysis.`)
  await reconcileOne(ports, id, memory)
}
