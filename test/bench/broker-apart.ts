/** The sandbox's broker as a separate process, with one Trigger for the events that request a reconciliation. */
import { RECONCILE_TYPE } from '../../shared/po/events.ts'
import { startEventBroker } from '../sandbox/broker/index.ts'
import { serveApart } from './apart.ts'

export interface Question {
  readonly subscribers: readonly string[]
}

export interface Delivered {
  readonly delivered: number
  readonly lost: number
}

const broker = await startEventBroker()
let subscribed = false

/** The first question subscribes; each is answered with the deliveries so far. */
serveApart<Question, Delivered>(broker.url, ({ subscribers }) => {
  if (!subscribed) broker.addTrigger({ filter: { type: RECONCILE_TYPE }, subscribers })
  subscribed = true
  const delivered = broker.deliveries.filter(({ outcome }) => outcome === 'delivered').length
  return { delivered, lost: broker.deliveries.length - delivered }
})
