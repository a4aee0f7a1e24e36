/** Tells changes to the event sink: in order per analysis, again and again until they are taken; nobody, if there is none. */

import { retryAt } from '../platform/backoff.ts'
import { type Drained, drain } from '../platform/drain.ts'
import { isFault } from '../platform/fault.ts'
import { changeEvent, eventSource } from './events.ts'
import type { PendingChange, Ports, Sink } from './ports.ts'

export type TellingPorts = Pick<Ports, 'store' | 'sink' | 'log' | 'now' | 'random' | 'settings'>

const CHANGE_LEASE_MS = 30_000

async function tellOne(ports: TellingPorts, sink: Sink, { seq, change, attempts }: PendingChange): Promise<boolean> {
  const { store, log, settings } = ports
  const { id, run, to } = change
  try {
    await sink.emit(changeEvent(change, eventSource(settings.run.namespace)))
  } catch (error) {
    if (!isFault(error, 'refused')) {
      await store.postponeChanges(id, retryAt(ports, attempts))
      log('info', 'change not told yet', { analysis: id, run, to, attempts: attempts + 1, error })
      return false
    }
    log('warn', 'change refused by the sink', { analysis: id, run, to, error })
  }
  await store.settleChange(seq)
  return true
}

/** Tells what is due until nothing is or `deadline` has passed. */
export async function tellChanges(ports: TellingPorts, deadline: Date): Promise<Drained> {
  const { store, sink, now } = ports
  if (!sink) {
    await store.dropChanges()
    return { settled: 0, putOff: 0 }
  }
  const claim = (limit: number) => store.claimChanges(now(), CHANGE_LEASE_MS, limit)
  const isAlone = ({ unfinished }: PendingChange) => unfinished > 1
  return drain({ claim, isAlone, send: (pending) => tellOne(ports, sink, pending) }, now, deadline)
}
