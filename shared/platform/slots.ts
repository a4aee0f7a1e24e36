/** The slot gate of a status loop: one sweep per interval, however many ticks arrive in however many processes. */
import { Fault } from './fault.ts'
import type { Log, LoopStore } from './ports.ts'

export interface SlotPorts {
  readonly store: Pick<LoopStore, 'takeSlot' | 'giveBackSlot' | 'completeSlot'>
  readonly now: () => Date
  readonly log: Log
  readonly settings: { readonly intervalSeconds: number }
}

/** `duplicate`: another tick took the slot. */
export type SlotResult<Report> = { readonly kind: 'duplicate' } | ({ readonly kind: 'swept' } & Report)

/**
 * Sweeps if the current slot is free. A tick is a hint: late, repeated and missing ones are harmless.
 * @throws Fault `unavailable` when the sweep failed; the slot is given back, and the next tick tries again
 */
export async function sweepOncePerSlot<Report extends object>(
  { store, now, log, settings }: SlotPorts,
  sweep: (slot: number) => Promise<Report>,
): Promise<SlotResult<Report>> {
  const slot = Math.floor(now().getTime() / 1000 / settings.intervalSeconds)
  if (!(await store.takeSlot(slot, now()))) return { kind: 'duplicate' }
  try {
    const report = await sweep(slot)
    await store.completeSlot(slot, now())
    log('loop', 'sweep completed', { slot, ...report })
    return { kind: 'swept', ...report }
  } catch (cause) {
    await store.giveBackSlot(slot).catch((error) => log('error', 'slot not given back', { slot, error }))
    throw new Fault('unavailable', 'The sweep could not run.', { cause })
  }
}
