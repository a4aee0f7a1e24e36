/** Message broker: participants, messages, subscriptions. */
import { randomUUID } from 'node:crypto'
import { json } from 'node:stream/consumers'
import { FORBIDDEN, type PeerAnswer, type PeerCall, type PeerRoute, UNAUTHENTICATED } from './route.ts'

export interface Subscription {
  readonly id: string
  readonly analysisId: string
  readonly webhookUrl: string
}

const SELF = { nodeId: '0c7a4f7e-5a53-4f9e-9d0e-5a2f1d3c6b70', nodeType: 'default' }
const AGGREGATOR = { nodeId: '5b1d2f3a-7c44-4e21-8a6f-9d0b1c2e3f41', nodeType: 'aggregator' }

/** An analysis may only send its own messages. */
const own =
  (handle: (call: PeerCall, analysisId: string) => PeerAnswer | Promise<PeerAnswer>): PeerRoute[2] =>
  (call) => {
    const [analysisId = ''] = call.params
    if (!call.client) return UNAUTHENTICATED
    return call.client === analysisId ? handle(call, analysisId) : FORBIDDEN
  }

export function brokerRoutes(subscriptions: Subscription[]): readonly PeerRoute[] {
  const drop = (isDropped: (subscription: Subscription) => boolean): PeerAnswer => {
    const kept = subscriptions.filter((subscription) => !isDropped(subscription))
    subscriptions.splice(0, subscriptions.length, ...kept)
    return { status: 204 }
  }
  const ofAnalysis = (analysisId: string) => subscriptions.filter((each) => each.analysisId === analysisId)
  const all = /^\/analyses\/([^/]+)\/messages\/subscriptions\/?$/
  return [
    ['GET', /^\/healthz$/, () => ({ body: { status: 'ok' } })],
    ['GET', /^\/analyses\/([^/]+)\/participants\/self$/, own(() => ({ body: SELF }))],
    ['GET', /^\/analyses\/([^/]+)\/participants$/, own(() => ({ body: [SELF, AGGREGATOR] }))],
    [
      'POST',
      /^\/analyses\/([^/]+)\/messages$/,
      own(async ({ request }) => {
        await json(request)
        return { status: 202 }
      }),
    ],
    [
      'POST',
      all,
      own(async ({ request }, analysisId) => {
        const { webhookUrl } = (await json(request)) as { webhookUrl?: unknown }
        if (typeof webhookUrl !== 'string' || !URL.canParse(webhookUrl)) return { status: 400 }
        const subscription = { id: randomUUID(), analysisId, webhookUrl }
        subscriptions.push(subscription)
        return { status: 201, body: subscription }
      }),
    ],
    ['GET', all, own((_call, analysisId) => ({ body: ofAnalysis(analysisId) }))],
    ['DELETE', all, own((_call, analysisId) => drop((each) => each.analysisId === analysisId))],
    [
      'DELETE',
      /^\/analyses\/([^/]+)\/messages\/subscriptions\/([^/]+)$/,
      own(({ params }, analysisId) => drop((each) => each.analysisId === analysisId && each.id === params[1])),
    ],
  ]
}
