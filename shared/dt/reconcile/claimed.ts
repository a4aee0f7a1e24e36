/** One service by itself: claimed, looked at, and given back as the look ended. What it does concerns no other service. */
import { isFault } from '../../platform/fault.ts'
import type { ServiceId } from '../model.ts'
import { type GatherPorts, miss } from './gather.ts'
import { look } from './one.ts'
import { readWorld } from './world.ts'

/** After this others may begin: the one who claimed is taken for dead. */
export const CLAIM_LEASE_MS = 60_000

/** True of a failure that says nothing of the service: the database or Kubernetes is away for all of them. */
export const isOutage = (error: unknown): boolean => isFault(error, 'unavailable')

/**
 * Looks at one service, unless somebody does already or it is not due. A look that fails is logged; the next one is begun when it
 * is due.
 * @throws Fault of the database when it could not be claimed
 */
export async function lookAlone(ports: GatherPorts, id: ServiceId): Promise<void> {
  const { store, log, now } = ports
  const [claimed] = await store.claim([id], now(), CLAIM_LEASE_MS)
  if (!claimed) return
  try {
    const pair = await miss(ports, claimed)
    // Adopted again: a later look takes it up.
    if (pair && pair.service.uid === claimed.uid) {
      const world = await readWorld(ports, [pair.service])
      await look(ports, pair.service, pair.resource, world.of(pair.service))
    }
  } catch (error) {
    log(isFault(error) ? 'warn' : 'error', 'look at a service failed', { service: id, error })
    await (isOutage(error) ? store.unclaim([id]) : store.unclaimFailed([id]))
    return
  }
  await store.unclaim([id])
}
