/** Publishes what became of services and runs to the event sink. */
import type { Drained } from '../platform/drain.ts'
import { publish } from '../platform/outbox.ts'
import { changeEvent, eventSource } from './events.ts'
import type { ServiceId } from './model.ts'
import type { DtPorts } from './ports.ts'

export type DtPublishingPorts = Pick<DtPorts, 'store' | 'sink' | 'log' | 'now' | 'random' | 'settings'>

const AFTER_ANSWER_MS = 5000

/** Publishes what is due, of one service or of all, until nothing is or `deadline` has passed. */
export function publishChanges(ports: DtPublishingPorts, deadline: Date, id?: ServiceId): Promise<Drained> {
  const { store, settings } = ports
  return publish(
    ports,
    {
      claim: (now, leaseMs, limit) => store.claimChanges(now, leaseMs, limit, id),
      eventOf: ({ change }) => changeEvent(change, eventSource(settings.service.namespace)),
      fieldsOf: ({ change: { id: service, kind } }) => ({ service, kind }),
      settle: ({ seq }) => store.settleChange(seq),
      postpone: ({ change }, dueAt) => store.postponeChanges(change.id, dueAt),
      drop: async () => {
        if (id === undefined) await store.dropChanges()
      },
    },
    deadline,
  )
}

/** Publishes the changes of a launch as soon as it is answered, so that they do not wait for the next sweep. */
export async function publishSoon(ports: DtPublishingPorts, id: ServiceId): Promise<void> {
  await publishChanges(ports, new Date(ports.now().getTime() + AFTER_ANSWER_MS), id)
}
