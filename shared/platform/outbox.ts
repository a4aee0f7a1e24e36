/** Publishes an outbox of changes to the event sink: in order per subject, and again until the sink accepts them. */
import { type Chance, retryAt } from './backoff.ts'
import { type Drained, drain } from './drain.ts'
import { isFault } from './fault.ts'
import type { Log, OutgoingEvent, Pending, Sink } from './ports.ts'

interface PublishPorts extends Chance {
  /** Null when no sink is configured. */
  readonly sink: Sink | null
  readonly log: Log
}

/** The outbox of one system. */
export interface Outbox<Change extends Pending> {
  readonly claim: (now: Date, leaseMs: number, limit: number) => Promise<readonly Change[]>
  readonly eventOf: (change: Change) => OutgoingEvent
  /** Fields of its log events. */
  readonly fieldsOf: (change: Change) => Readonly<Record<string, unknown>>
  readonly settle: (change: Change) => Promise<void>
  /** Postpones it, and with it all later changes of its subject. */
  readonly postpone: (change: Change, dueAt: Date) => Promise<void>
  /** Empties the outbox; called when there is no sink. */
  readonly drop: () => Promise<void>
}

const LEASE_MS = 30_000

/** Publishes what is due, until nothing is or `deadline` has passed. */
export async function publish<Change extends Pending>(
  ports: PublishPorts,
  outbox: Outbox<Change>,
  deadline: Date,
): Promise<Drained> {
  const { sink, now, log } = ports
  if (!sink) {
    await outbox.drop()
    return { settled: 0, putOff: 0 }
  }

  const send = async (change: Change): Promise<boolean> => {
    try {
      await sink.emit(outbox.eventOf(change))
    } catch (error) {
      if (!isFault(error, 'refused')) {
        await outbox.postpone(change, retryAt(ports, change.attempts))
        log('info', 'change not published yet', { ...outbox.fieldsOf(change), attempts: change.attempts + 1, error })
        return false
      }
      log('warn', 'change refused by the sink', { ...outbox.fieldsOf(change), error })
    }
    await outbox.settle(change)
    return true
  }
  // A change whose attempt ended a process before is sent alone.
  const isAlone = ({ unfinished }: Change) => unfinished > 1
  return drain({ claim: (limit) => outbox.claim(now(), LEASE_MS, limit), isAlone, send }, now, deadline)
}
