/**
 * One Trigger: its filter, and the delivery of events with a limit of concurrency.
 *
 * Owns: filter, queue, retries, the meaning of responses. The order of deliveries is undefined.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Answer, Poster } from '../post.ts'
import { type BrokerEvent, binaryHeaders, NoEvent, readEvent } from './event.ts'

export interface TriggerOptions {
  /** Attributes that an event must have, with exactly these values; none: every event. */
  readonly filter?: Readonly<Record<string, string>>
  /** The subscribers, which attempts use in turn, as a Service spreads them. Read at each attempt. */
  readonly subscribers: readonly string[]
  /** Concurrent deliveries, including those that wait for a retry; default 100. */
  readonly parallelism?: number
}

export interface RetryPolicy {
  readonly retries: number
  /** Before the first retry; each later pause is twice as long. */
  readonly backoffMs: number
}

/** The defaults of a new Knative installation. */
export const BROKER_RETRIES: RetryPolicy = { retries: 10, backoffMs: 200 }

export interface Attempt {
  readonly subscriber: string
  /** The status; null without a response, 502 for a 2xx whose body is no event. */
  readonly status: number | null
}

export interface Delivery {
  readonly event: BrokerEvent
  readonly outcome: 'delivered' | 'lost'
  readonly attempts: readonly Attempt[]
}

export interface TriggerContext {
  readonly poster: Poster
  readonly policy: RetryPolicy
  readonly ending: AbortSignal
  readonly onDelivery: (delivery: Delivery) => void
  readonly onReply: (reply: BrokerEvent, to: BrokerEvent) => void
}

export interface Trigger {
  /** Queues the event if it passes the filter. */
  offer(event: BrokerEvent): void
  /** Current and queued deliveries. */
  pending(): number
}

const NOT_EVENT = 502
const DEFAULT_PARALLELISM = 100

const isOk = (status: number | null): boolean => status !== null && status >= 200 && status < 300
const isRetried = (status: number | null): boolean =>
  status === null || status >= 500 || [404, 408, 409, 429].includes(status)

/** @throws NoEvent when there is a body that is none */
function replyIn({ status, headers, text }: Answer): BrokerEvent | undefined {
  if (!isOk(status)) return undefined
  const reply = readEvent(headers, text)
  if (!reply && text !== '') throw new NoEvent('a reply must be an event or empty')
  return reply
}

export function createTrigger(options: TriggerOptions, context: TriggerContext): Trigger {
  const { filter = {}, subscribers, parallelism = DEFAULT_PARALLELISM } = options
  const { poster, policy, ending, onDelivery, onReply } = context
  const queue: BrokerEvent[] = []
  let underWay = 0
  let turn = 0

  const attempt = async (event: BrokerEvent): Promise<Attempt> => {
    const subscriber = subscribers[turn++ % subscribers.length] ?? ''
    const headers = { ...binaryHeaders(event), prefer: 'reply' }
    try {
      const answer = await poster.post(subscriber, headers, event.data, ending)
      const reply = replyIn(answer)
      if (reply) onReply(reply, event)
      return { subscriber, status: answer.status }
    } catch (error) {
      return { subscriber, status: error instanceof NoEvent ? NOT_EVENT : null }
    }
  }

  const deliver = async (event: BrokerEvent): Promise<void> => {
    const attempts: Attempt[] = []
    for (let pause = policy.backoffMs; ; pause *= 2) {
      const last = await attempt(event)
      if (ending.aborted) return
      attempts.push(last)
      if (isOk(last.status)) return onDelivery({ event, outcome: 'delivered', attempts })
      if (!isRetried(last.status) || attempts.length > policy.retries) {
        return onDelivery({ event, outcome: 'lost', attempts })
      }
      await delay(pause, undefined, { signal: ending }).catch(() => {})
    }
  }

  const next = (): void => {
    while (underWay < parallelism && !ending.aborted) {
      const event = queue.shift()
      if (!event) return
      underWay += 1
      void deliver(event).finally(() => {
        underWay -= 1
        next()
      })
    }
  }

  return {
    offer(event) {
      if (!Object.entries(filter).every(([name, value]) => event.attributes[name] === value)) return
      queue.push(event)
      next()
    },
    pending: () => queue.length + underWay,
  }
}
