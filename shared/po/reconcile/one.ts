/** An event about one analysis: the same look that a sweep takes, by whoever gets the event. */

import { allSettledOrThrow } from '../../platform/concurrency.ts'
import { isFault } from '../../platform/fault.ts'
import type { AnalysisId } from '../model.ts'
import { ask, follow, isWell, type LookPorts } from './look.ts'
import { createMemory, type Memory, recentWorld } from './memory.ts'
import { readWorld } from './world.ts'

const CLAIM_LEASE_MS = 60_000

/**
 * Looks at an analysis that is due and that nobody else has claimed; nothing is to be done otherwise. A look that fails is
 * told in the log, as in a sweep: the next one asks again.
 * @throws Fault of the database when it could not be claimed
 */
export async function reconcileOne(ports: LookPorts, id: AnalysisId, memory: Memory = createMemory()): Promise<void> {
  const { store, log, now } = ports
  const analysis = await store.claim(id, now(), CLAIM_LEASE_MS)
  if (!analysis) return
  try {
    const [recent, polled] = await allSettledOrThrow(recentWorld(ports, memory), ask(ports, analysis))
    // Before anything is done to it, the analysis is seen as it is now.
    const world = isWell(ports, recent, analysis, polled) ? recent : await readWorld(ports, id)
    await follow(ports, world, memory.hub, analysis, polled)
  } catch (error) {
    log(isFault(error) ? 'warn' : 'error', 'look at an analysis failed', { analysis: id, error })
  } finally {
    await store.unclaim([analysis.key])
  }
}
