/**
 * A Knative Broker with Triggers: it accepts events over HTTP, keeps them in memory, and delivers them to subscribers with
 * retries.
 *
 * Owns: the ingress, and the records of events and deliveries. May import nothing of the product.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { createPoster } from '../post.ts'
import { type Incoming, type Reply, type StandIn, startStandIn } from '../stand-in.ts'
import { type BrokerEvent, NoEvent, readEvent } from './event.ts'
import { BROKER_RETRIES, createTrigger, type Delivery, type RetryPolicy, type TriggerOptions } from './trigger.ts'

export interface EventBrokerOptions {
  readonly port?: number
  readonly retry?: RetryPolicy
}

/** A stand-in that also fails on demand; its `url` is the sink. */
export interface EventBroker extends StandIn {
  /** Accepted events and replies, latest last. The limit exceeds those of any test. */
  readonly received: readonly BrokerEvent[]
  /** Deliveries that ended, the latest last. */
  readonly deliveries: readonly Delivery[]
  addTrigger(trigger: TriggerOptions): void
  /** Resolves when nothing is queued or in delivery; fails after `withinMs`. */
  idle(withinMs?: number): Promise<void>
}

const PATH = '/flame/default'
/** A sandbox may run for days. */
const MAX_KEPT = 50_000
/** How many times an event may be republished as a reply. */
const LIVES = 255

function keep<T>(list: T[], item: T): void {
  if (list.push(item) > MAX_KEPT) list.splice(0, MAX_KEPT / 2)
}

export async function startEventBroker(options: EventBrokerOptions = {}): Promise<EventBroker> {
  const received: BrokerEvent[] = []
  const deliveries: Delivery[] = []
  const triggers: ReturnType<typeof createTrigger>[] = []
  const livesOf = new WeakMap<BrokerEvent, number>()
  const ending = new AbortController()
  const poster = createPoster()

  const take = (event: BrokerEvent, lives: number): boolean => {
    if (lives === 0) return false
    const arrived = { knativearrivaltime: new Date().toISOString() }
    const taken = { ...event, attributes: { ...event.attributes, ...arrived } }
    livesOf.set(taken, lives)
    keep(received, taken)
    for (const trigger of triggers) trigger.offer(taken)
    return true
  }

  const standIn = await startStandIn({
    port: options.port ?? 0,
    handle: (request) => ingress(request, (event) => take(event, LIVES)),
  })

  return {
    ...standIn,
    url: standIn.url + PATH,
    received,
    deliveries,
    addTrigger(trigger) {
      const context = {
        poster,
        policy: options.retry ?? BROKER_RETRIES,
        ending: ending.signal,
        onDelivery: (delivery: Delivery) => keep(deliveries, delivery),
        onReply: (reply: BrokerEvent, to: BrokerEvent) => take(reply, (livesOf.get(to) ?? LIVES) - 1),
      }
      triggers.push(createTrigger(trigger, context))
    },
    async idle(withinMs = 60_000) {
      const until = Date.now() + withinMs
      while (triggers.some((trigger) => trigger.pending() > 0)) {
        if (Date.now() > until) throw new Error(`events are still under way after ${withinMs / 1000} s`)
        await delay(5)
      }
    },
    async stop() {
      ending.abort()
      await standIn.stop()
      poster.close()
    },
  }
}

function ingress({ method, url, headers, text }: Incoming, take: (event: BrokerEvent) => unknown): Reply {
  if (method !== 'POST') return { status: 405, headers: { allow: 'POST, OPTIONS' } }
  if (url.pathname !== PATH) return { status: 404 }
  try {
    const event = readEvent(headers, text)
    if (!event) return { status: 400 }
    take(event)
    return { status: 202 }
  } catch (error) {
    if (error instanceof NoEvent) return { status: 400 }
    throw error
  }
}
