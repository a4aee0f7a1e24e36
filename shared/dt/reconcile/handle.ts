/**
 * Entry of the loop: decides what an event asks for.
 *
 * - An event of our own about a service, or of Kubernetes about a Job or pod of a service, is a hint: reconcile that service.
 * - An event about another Job or pod is ignored.
 * - Every other event is a tick.
 */
import { isAboutService } from '../events.ts'
import { isLive, parseServiceId, type ServiceId } from '../model.ts'
import { parseJobName } from '../names.ts'
import { ensurePolicies, type PolicyCache } from './make.ts'
import { claimAndReconcile, type ServicePorts } from './reconcile.ts'
import type { DtSweepPorts } from './sweep.ts'
import { tick } from './tick.ts'

interface Event {
  readonly type: string
  readonly subject?: string | undefined
}

/** Subject of an event of Kubernetes: a Job, or a pod, whose name begins with that of its Job. */
const OBJECT = /\/(?:jobs|pods)\/(?<name>[a-z0-9-]+)$/

/** @throws Fault `unavailable` if the event should be sent again */
export async function handleEvent(ports: DtSweepPorts, cache: PolicyCache, event: Event): Promise<void> {
  const id = subjectOf(event)
  if (id) await reconcileOne(ports, cache, id)
  else if (!isAboutService(event.type) && !OBJECT.test(event.subject ?? '')) await tick(ports, cache)
}

/** The service that an event is about; undefined for a tick and for objects of others. */
export function subjectOf({ type, subject = '' }: Event): ServiceId | undefined {
  if (isAboutService(type)) return parseServiceId(subject)
  const name = OBJECT.exec(subject)?.groups?.['name'] ?? ''
  return parseServiceId(name.slice(0, 24)) ?? parseJobName(name)?.id
}

/**
 * Reconciles one service if it is live, due and not claimed.
 * @throws Fault when it could not be claimed, or the policies could not be applied
 */
export async function reconcileOne(ports: ServicePorts, cache: PolicyCache, id: ServiceId): Promise<void> {
  const known = await ports.store.find(id)
  if (!known || !isLive(known.phase)) return
  await ensurePolicies(ports, cache)
  await claimAndReconcile(ports, id)
}
