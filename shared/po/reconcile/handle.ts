/** What an event asks for: a look at one analysis, or a sweep. Any event but ours is a tick, whoever sends it. */
import { Fault } from '../../fault.ts'
import { RECONCILE_TYPE } from '../events.ts'
import { parseAnalysisId } from '../model.ts'
import type { Memory } from './memory.ts'
import { reconcileOne } from './one.ts'
import type { SweepPorts } from './sweep.ts'
import { tick } from './tick.ts'

/** @throws Fault `bad_request` for an event about no analysis, `unavailable` when it should be sent again */
export async function handleEvent(
  ports: SweepPorts,
  memory: Memory,
  event: { readonly type: string; readonly subject?: string | undefined },
): Promise<void> {
  if (event.type !== RECONCILE_TYPE) {
    await tick(ports, memory)
    return
  }
  const id = parseAnalysisId(event.subject ?? '')
  if (!id)
    throw new Fault('bad_request', `The subject of an event of type ${RECONCILE_TYPE} must be the id of an analysis.`)
  await reconcileOne(ports, id, memory)
}
