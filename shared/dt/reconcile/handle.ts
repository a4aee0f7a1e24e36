/** What an event asks for: a look at one service, or a sweep. */
import { isAboutService } from '../events.ts'
import { isLive, parseServiceId, type ServiceId } from '../model.ts'
import { parseJobName } from '../names.ts'
import { lookAlone } from './claimed.ts'
import type { GatherPorts } from './gather.ts'
import { type Memory, standGuard } from './standing.ts'
import type { SweepPorts } from './sweep.ts'
import { tick } from './tick.ts'

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
 * Looks at one live service, unless somebody does already.
 * @throws Fault when it could not be claimed, or the policies that runs are confined by are not there
 */
export async function reconcileOne(ports: GatherPorts, memory: Memory, id: ServiceId): Promise<void> {
  const known = await ports.store.find(id)
  if (!known || !isLive(known.phase)) return
  await standGuard(ports, memory)
  await lookAlone(ports, id)
}

/** @throws Fault `unavailable` when the event should be sent again */
export async function handleEvent(ports: SweepPorts, memory: Memory, event: Event): Promise<void> {
  const id = subjectOf(event)
  if (id) await reconcileOne(ports, memory, id)
  else if (!isAboutService(event.type) && !OBJECT.test(event.subject ?? '')) await tick(ports, memory)
}
