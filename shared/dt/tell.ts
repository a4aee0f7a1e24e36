/** Tells changes to the event sink: in order per service, again and again until they are taken; nobody, if there is none. */

import { retryAt } from '../platform/backoff.ts'
import { type Drained, drain } from '../platform/drain.ts'
import { isFault } from '../platform/fault.ts'
import { changeEvent, eventSource } from './events.ts'
import type { ServiceId } from './model.ts'
import type { PendingChange, Ports, Sink } from './ports.ts'

export type TellingPorts = Pick<Ports, 'store' | 'sink' | 'log' | 'now' | 'random' | 'settings'>

const CHANGE_LEASE_MS = 30_000
const AFTER_ANSWER_MS = 5000

async function tellOne(ports: TellingPorts, sink: Sink, { seq, change, attempts }: PendingChange): Promise<boolean> {
  const { store, log, settings } = ports
  const { id, kind } = change
  try {
    await sink.emit(changeEvent(change, eventSource(settings.service.namespace)))
  } catch (error) {
    if (!isFault(error, 'refused')) {
      await store.postponeChanges(id, retryAt(ports, attempts))
      log('info', 'change not told yet', { service: id, kind, attempts: attempts + 1, error })
      return false
    }
    log('warn', 'change refused by the sink', { service: id, kind, error })
  }
  await store.settleChange(seq)
  return true
}

/** Tells what is due until nothing is or `deadline` has passed. */
export async function tellChanges(ports: TellingPorts, deadline: Date, id?: ServiceId): Promise<Drained> {
  const { store, sink, now } = ports
  if (!sink) {
    if (id === undefined) await store.dropChanges()
    return { settled: 0, putOff: 0 }
  }
  const claim = (limit: number) => store.claimChanges(now(), CHANGE_LEASE_MS, limit, id)
  const isAlone = ({ unfinished }: PendingChange) => unfinished > 1
  return drain({ claim, isAlone, send: (pending) => tellOne(ports, sink, pending) }, now, deadline)
}

/** What a launch tells as soon as it is answered, so that nobody waits for the next sweep. */
export async function tellSoon(ports: TellingPorts, id: ServiceId): Promise<void> {
  await tellChanges(ports, new Date(ports.now().getTime() + AFTER_ANSWER_MS), id)
}
