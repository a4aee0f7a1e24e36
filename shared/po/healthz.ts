/** `GET /po/healthz`: fails if the database does not answer, the loop is stalled, most analyses are silent, or isolation is not enforced. */
import { Fault } from '../platform/fault.ts'
import { requireIsolation } from './isolation.ts'
import type { PoPorts } from './ports.ts'
import { FAULT_INTERVALS, STALLED_INTERVALS } from './silence.ts'

/** Time from a new installation to its first tick. */
const INSTALLATION_GRACE_SECONDS = 120

/** @throws Fault `unavailable` with the reason */
export async function healthz({
  store,
  now,
  settings,
}: Pick<PoPorts, 'store' | 'now' | 'settings'>): Promise<{ status: 'ok' }> {
  const { completedAt, installedAt, faultAt } = await store.loopState(now())
  const secondsSince = (time: Date): number => (now().getTime() - time.getTime()) / 1000
  const quietSeconds = secondsSince(completedAt ?? installedAt)
  const allowed = STALLED_INTERVALS * settings.intervalSeconds + (completedAt ? 0 : INSTALLATION_GRACE_SECONDS)
  if (quietSeconds > allowed) {
    throw new Fault('unavailable', `No sweep of the status loop was completed for ${Math.floor(quietSeconds)} s.`)
  }
  if (faultAt && secondsSince(faultAt) <= FAULT_INTERVALS * settings.intervalSeconds) {
    throw new Fault('unavailable', 'Most analyses do not answer: the way from the status loop to them is broken.')
  }
  await requireIsolation({ store, settings })
  return { status: 'ok' }
}
