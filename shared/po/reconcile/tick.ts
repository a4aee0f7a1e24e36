/** A tick of the loop: sweeps once per slot, or sends an event per analysis so that other pods share the work. */
import { mapConcurrent } from '../../platform/concurrency.ts'
import { type SlotResult, sweepOncePerSlot } from '../../platform/slots.ts'
import { eventSource, reconcileEvent } from '../events.ts'
import { resetSilenceTimers } from '../silence.ts'
import { createLoopCache, type LoopCache } from './loop-cache.ts'
import { type SweepPorts, type SweepReport, sweep } from './sweep.ts'

export type PoTickResult = SlotResult<SweepReport & { /** Events sent, each for an analysis. */ readonly sent: number }>

const EVENTS = 64
const EVENT_LIMIT = 100_000
/** With fan-out, a sweep removes zombies only once in so many slots. */
const ZOMBIE_SLOTS = 6

/**
 * Sends an event for each due analysis and resolves to their number. Resolves to undefined when the sink refused one: then the
 * sweep reconciles all analyses itself, and claims prevent that an event repeats this.
 */
async function fanOut(ports: SweepPorts, slot: number): Promise<number | undefined> {
  const { store, sink, settings, now, log } = ports
  if (!settings.fanout || !sink) return undefined
  const at = now()
  const ids = await store.listDue(at, EVENT_LIMIT)
  const source = eventSource(settings.run.namespace)
  let fault: unknown
  await mapConcurrent(ids, EVENTS, async (id) => {
    if (fault !== undefined) return
    await sink.emit(reconcileEvent(id, slot, at, source)).catch((error: unknown) => {
      fault = error
    })
  })
  if (fault === undefined) return ids.length
  log('warn', 'events refused by the sink', { slot, error: fault })
  return undefined
}

async function run(ports: SweepPorts, cache: LoopCache, slot: number): Promise<SweepReport & { sent: number }> {
  await resetSilenceTimers(ports)
  const sent = await fanOut(ports, slot)
  if (sent === undefined) return { sent: 0, ...(await sweep(ports, cache)) }
  const zombies = slot % ZOMBIE_SLOTS === 0
  return { sent, ...(await sweep(ports, cache, { analyses: false, zombies })) }
}

export const tick = (ports: SweepPorts, cache: LoopCache = createLoopCache()): Promise<PoTickResult> =>
  sweepOncePerSlot(ports, (slot) => run(ports, cache, slot))
