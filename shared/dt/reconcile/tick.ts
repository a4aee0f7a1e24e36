/** A tick of the loop: the slot gate in front of a sweep. */
import { type SlotResult, sweepOncePerSlot } from '../../platform/slots.ts'
import type { PolicyCache } from './make.ts'
import { type DtSweepPorts, type DtSweepReport, sweep } from './sweep.ts'

export type DtTickResult = SlotResult<DtSweepReport>

export const tick = (ports: DtSweepPorts, cache: PolicyCache): Promise<DtTickResult> =>
  sweepOncePerSlot(ports, () => sweep(ports, cache))
