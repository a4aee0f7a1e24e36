/**
 * Silence that no analysis answers for. When most of those that had been heard of fall silent in one sweep, the fault is
 * ours: the way to them is broken, not they. And of the time in which no sweep ran nobody knows whether they would have
 * answered. In both cases every silence begins anew.
 */
import type { Ports } from './ports.ts'

/** Fewer silent analyses than this are never our fault. */
const FAULT_MIN = 3
/** More than this share of those that had been heard of is. */
const FAULT_SHARE = 0.5
/** Intervals without a completed sweep after which the loop counts as standing still. */
export const STALLED_INTERVALS = 3
/** Intervals for which a fault of ours is shown after it was last seen. */
export const FAULT_INTERVALS = 2

/** Looks at what the sweep before this one left, and pardons what is not the analyses' own silence. */
export async function pardonSilence(ports: Pick<Ports, 'store' | 'now' | 'settings' | 'log'>): Promise<void> {
  const { store, now, settings, log } = ports
  const at = now()
  const [{ heard, silent }, { completedAt }] = await Promise.all([store.silence(), store.loopState(at)])
  const awaySeconds = completedAt ? (at.getTime() - completedAt.getTime()) / 1000 : 0
  const fault = silent >= FAULT_MIN && silent > heard * FAULT_SHARE
  const away = awaySeconds > STALLED_INTERVALS * settings.intervalSeconds
  if (!fault && !away) return
  if (fault) log('error', 'most analyses do not answer', { silent, heard })
  else log('warn', 'loop was away', { seconds: Math.round(awaySeconds) })
  await store.pardonSilence(at, fault)
}
