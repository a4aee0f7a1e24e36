/** Publishes state changes of analyses to the event sink. */
import type { Drained } from '../platform/drain.ts'
import { publish } from '../platform/outbox.ts'
import { changeEvent, eventSource } from './events.ts'
import type { PoPorts } from './ports.ts'

export type PoPublishingPorts = Pick<PoPorts, 'store' | 'sink' | 'log' | 'now' | 'random' | 'settings'>

export function publishChanges(ports: PoPublishingPorts, deadline: Date): Promise<Drained> {
  const { store, settings } = ports
  return publish(
    ports,
    {
      claim: store.claimChanges,
      eventOf: ({ change }) => changeEvent(change, eventSource(settings.run.namespace)),
      fieldsOf: ({ change: { id, run, to } }) => ({ analysis: id, run, to }),
      settle: ({ seq }) => store.settleChange(seq),
      postpone: ({ change }, dueAt) => store.postponeChanges(change.id, dueAt),
      drop: store.dropChanges,
    },
    deadline,
  )
}
