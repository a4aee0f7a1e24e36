/** What an event asks for: a look at one service, or a sweep. */
import { isFault } from '../../fault.ts'
import { isAboutService } from '../events.ts'
import { isLive, parseServiceId, type ServiceId } from '../model.ts'
import { parseJobName } from '../names.ts'
import { type GatherPorts, meet } from './gather.ts'
import { look } from './one.ts'
import { type Memory, standGuard } from './standing.ts'
import type { SweepPorts } from './sweep.ts'
import { tick } from './tick.ts'
import { readWorld } from './world.ts'

const CLAIM_LEASE_MS = 60_000

interface Event {
  readonly type: string
  readonly subject?: string | undefined
}

/** Of Kubernetes' own events: a Job, or a pod that is called after one. */
const OBJECT = /\/(?:jobs|pods)\/(?<name>[a-z0-9-]+)$/

/** The service that an event is about; undefined for a tick, and for what is nobody's. */
export function subjectOf({ type, subject = '' }: Event): ServiceId | undefined {
  if (isAboutService(type)) return parseServiceId(subject)
  const name = OBJECT.exec(subject)?.groups?.['name'] ?? ''
  return parseServiceId(name.slice(0, 24)) ?? parseJobName(name)?.id
}

/**
 * Looks at one service, unless somebody does already. A look that fails is told in the log, as in a sweep: the next one asks
 * again.
 * @throws Fault of the database when it could not be claimed
 */
export async function reconcileOne(ports: GatherPorts, memory: Memory, id: ServiceId): Promise<void> {
  const { store, cluster, log, now } = ports
  const known = await store.find(id)
  if (!known || !isLive(known.phase)) return
  const [claimed] = await store.claim([id], now(), CLAIM_LEASE_MS)
  if (!claimed) return
  try {
    await standGuard(ports, memory)
    const resource = await cluster.resource(id)
    const service = resource && (await meet(ports, resource, claimed))
    // Adopted anew: a later look takes it up.
    if (resource && service && service.uid === claimed.uid) {
      const world = await readWorld(ports, [service])
      await look(ports, service, resource, world.of(service))
    }
  } catch (error) {
    log(isFault(error) ? 'warn' : 'error', 'look at a service failed', { service: id, error })
  } finally {
    await store.unclaim([id])
  }
}

/** @throws Fault `unavailable` when the event should be sent again */
export async function handleEvent(ports: SweepPorts, memory: Memory, event: Event): Promise<void> {
  const id = subjectOf(event)
  if (id) await reconcileOne(ports, memory, id)
  else if (!isAboutService(event.type) && !OBJECT.test(event.subject ?? '')) await tick(ports, memory)
}
