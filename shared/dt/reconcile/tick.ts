/** A tick of the loop: the slot gate in front of a sweep. */
import { type SlotResult, sweepOncePerSlot } from '../../platform/slots.ts'
import type { Memory } from './standing.ts'
import { type SweepPorts, type SweepReport, sweep } from './sweep.ts'

export type TickResult = SlotResult<SweepReport>

export const tick = (ports: SweepPorts, memory: Memory): Promise<TickResult> =>
  sweepOncePerSlot(ports, () => sweep(ports, memory))
