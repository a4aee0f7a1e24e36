/** A tick of the loop: the slot gate in front of a sweep. A tick is a hint; late, doubled and missing ones do no harm. */
import { Fault } from '../../platform/fault.ts'
import type { Memory } from './standing.ts'
import { type SweepPorts, type SweepReport, sweep } from './sweep.ts'

export type TickResult = { readonly kind: 'duplicate' } | ({ readonly kind: 'swept' } & SweepReport)

/**
 * Sweeps once per slot, whoever ticks how often.
 * @throws Fault `unavailable` when the sweep could not run; the slot is given back, so that the next tick tries again
 */
export async function tick(ports: SweepPorts, memory: Memory): Promise<TickResult> {
  const { store, now, log, settings } = ports
  const slot = Math.floor(now().getTime() / 1000 / settings.intervalSeconds)
  if (!(await store.takeSlot(slot, now()))) return { kind: 'duplicate' }
  try {
    const report = await sweep(ports, memory)
    await store.completeSlot(slot, now())
    log('loop', 'sweep completed', { slot, ...report })
    return { kind: 'swept', ...report }
  } catch (cause) {
    await store.giveBackSlot(slot).catch((error) => log('error', 'slot not given back', { slot, error }))
    throw new Fault('unavailable', 'The sweep could not run.', { cause })
  }
}
