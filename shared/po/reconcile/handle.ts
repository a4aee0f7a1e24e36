/**
 * Entry of the status loop: decides what an event asks for.
 *
 * - A change of a pod is a hint: its analysis is reconciled now instead of at the next tick. Hints may be lost, duplicated or
 *   late. Pods that do not belong to an analysis are ignored.
 * - An event of our own type asks to reconcile the analysis that is its subject.
 * - Every other event is a tick, regardless of its sender.
 */
import { Fault } from '../../platform/fault.ts'
import { RECONCILE_TYPE } from '../events.ts'
import { parseAnalysisId } from '../model.ts'
import { parseObjectName } from '../names.ts'
import type { LoopCache } from './loop-cache.ts'
import { reconcileOne } from './reconcile.ts'
import type { SweepPorts } from './sweep.ts'
import { tick } from './tick.ts'

/** Events of an ApiServerSource in either mode. Their subject is the path of the object. */
const HINT = /^dev\.knative\.apiserver\.(?:ref|resource)\./

/** @throws Fault `bad_request` for an event about no analysis, `unavailable` if the event should be sent again */
export async function handleEvent(
  ports: SweepPorts,
  cache: LoopCache,
  event: { readonly type: string; readonly subject?: string | undefined },
): Promise<void> {
  if (HINT.test(event.type)) {
    const run = parseObjectName(event.subject?.split('/').at(-1) ?? '')
    if (run) await reconcileOne(ports, run.id, cache)
    return
  }
  if (event.type !== RECONCILE_TYPE) {
    await tick(ports, cache)
    return
  }
  const id = parseAnalysisId(event.subject ?? '')
  if (!id)
    throw new Fault('bad_request', `The subject of an event of type ${RECONCILE_TYPE} must be the id of an analysis.`)
  await reconcileOne(ports, id, cache)
}
