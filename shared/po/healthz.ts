/** `GET /po/healthz`: whether the database answers and the loop moves. The Hub and Keycloak may be away. */
import { Fault } from '../fault.ts'
import type { Ports } from './ports.ts'

/** Intervals without a completed sweep after which the loop counts as standing still. */
const STALLED_INTERVALS = 3
/** A fresh installation may take this long until its first tick. */
const INSTALLATION_GRACE_SECONDS = 120

/** @throws Fault `unavailable` with the reason */
export async function healthz({
  store,
  now,
  settings,
}: Pick<Ports, 'store' | 'now' | 'settings'>): Promise<{ status: 'ok' }> {
  const { completedAt, installedAt } = await store.loopState(now())
  const quietSeconds = (now().getTime() - (completedAt ?? installedAt).getTime()) / 1000
  const allowed = STALLED_INTERVALS * settings.intervalSeconds + (completedAt ? 0 : INSTALLATION_GRACE_SECONDS)
  if (quietSeconds <= allowed) return { status: 'ok' }
  throw new Fault('unavailable', `No sweep of the status loop was completed for ${Math.floor(quietSeconds)} s.`)
}
