/**
 * Silence that is not the fault of an analysis. The silence timer of an analysis runs while its polls fail, and ends its run
 * when its budget is spent. Before each sweep, all timers are reset in two cases (ADR 0010):
 *
 * - Most of the analyses that have answered before are silent: then the network between the loop and them is broken.
 * - No sweep was completed for a while: it is not known whether they would have answered meanwhile.
 */
import type { PoPorts } from './ports.ts'

/** Fewer silent analyses than this do not indicate a fault of the loop. */
const FAULT_MIN = 3
/** More than this share of the analyses that have answered before is. */
const FAULT_SHARE = 0.5
/** Intervals without a completed sweep after which the loop is stalled. */
export const STALLED_INTERVALS = 3
/** Intervals for which the health endpoint reports a fault of the loop after its last observation. */
export const FAULT_INTERVALS = 2

/** Decides from what the previous sweep recorded, and resets the timers if the silence is not the fault of the analyses. */
export async function resetSilenceTimers(ports: Pick<PoPorts, 'store' | 'now' | 'settings' | 'log'>): Promise<void> {
  const { store, now, settings, log } = ports
  const at = now()
  const [{ heard, silent }, { completedAt }] = await Promise.all([store.silence(), store.loopState(at)])
  const idleSeconds = completedAt ? (at.getTime() - completedAt.getTime()) / 1000 : 0
  const isOurFault = silent >= FAULT_MIN && silent > heard * FAULT_SHARE
  const isStalled = idleSeconds > STALLED_INTERVALS * settings.intervalSeconds
  if (!isOurFault && !isStalled) return
  if (isOurFault) log('error', 'most analyses do not answer', { silent, heard })
  else log('warn', 'loop was stalled', { seconds: Math.round(idleSeconds) })
  await store.resetSilenceTimers(at, isOurFault ? 'fault' : 'stalled')
}
