/** With a broker: the loop's events of single analyses, and the state changes that a user's function receives. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eventually } from '../api.ts'
import type { Heard } from '../pods/listener.ts'
import { timed } from '../world.ts'
import { redeploy } from './installation.ts'
import { type Node, openNode } from './node.ts'
import { isReady, loadSupport, podsOfFunction, startFunction, userFunction } from './support.ts'

const TYPE = 'de.privateaim.po.analysis'

let node: Node
beforeAll(async () => {
  node = openNode()
  const { listener } = await loadSupport(node)
  await timed('deployed with the component events', () =>
    redeploy(node.installation, node.environment, {
      components: ['events', 'pod-hints'],
      settings: { ...node.installation.overlay.settings, FANOUT: 'events' },
    }),
  )
  // One permanent pod, because it stores events in memory.
  const scale = { 'autoscaling.knative.dev/min-scale': '1', 'autoscaling.knative.dev/max-scale': '1' }
  await startFunction(node, userFunction('listener', listener, scale))
  await node.api.create(trigger('everything'), 'Trigger')
  await node.api.create(trigger('ends', { type: `${TYPE}.executed` }), 'Trigger')
  for (const name of ['everything', 'ends']) {
    await eventually(`Trigger ${name} is ready`, async () => isReady(await node.api.find('Trigger', name)))
  }
})
afterAll(async () => {
  for (const name of ['everything', 'ends']) await node.api.remove('Trigger', name, 'Background')
  await node.api.remove('KnativeService', 'listener', 'Background')
  await redeploy(node.installation, node.environment, {})
  await node.close()
})

const trigger = (name: string, attributes?: Readonly<Record<string, string>>) => ({
  apiVersion: 'eventing.knative.dev/v1',
  kind: 'Trigger',
  metadata: { name },
  spec: {
    broker: 'po-events',
    ...(attributes ? { filter: { attributes } } : {}),
    subscriber: {
      ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: 'listener' },
      uri: `/${name}`,
    },
  },
})

/** Read through the API server. */
async function heard(id: string): Promise<readonly Heard[]> {
  const [pod] = await podsOfFunction(node, 'listener')
  const path = `/api/v1/namespaces/${node.api.namespace}/pods/${pod?.metadata.name}:8012/proxy/`
  const all = (await node.api.json<Heard[]>('GET', path)) ?? []
  return all.filter(({ subject }) => subject === id)
}

describe('over the broker', () => {
  const id = randomUUID()

  test('an analysis is carried to its end by events of its own', async () => {
    await node.create(id, node.installation.images.mean)
    await timed('executed', () => node.untilTold(id, 'executed'))
    await node.untilGone(id)
    const ticks = (await heard(id)).filter(({ type }) => type === `${TYPE}.reconcile`)
    expect(ticks.length).toBeGreaterThan(0)
    for (const { id: eventId } of ticks) expect(eventId).toMatch(new RegExp(`^\\d+/${id}$`))
  })

  test('the source of news about its pods may watch them, and knows where to send them', async () => {
    await eventually('it is ready', async () => isReady(await node.api.find('ApiServerSource', 'po-pod-hints')))
  })

  test('a function of a user hears each state that it took, in order, and its end by a filter', async () => {
    const states = ['starting', 'started', 'executing', 'executed']
    const told = await eventually('it has heard of the end twice', async () => {
      const all = (await heard(id)).filter(({ type }) => type !== `${TYPE}.reconcile`)
      return all.filter(({ type }) => type === `${TYPE}.executed`).length >= 2 && all
    })
    const order = [...new Set(told.map(({ type }) => type.slice(TYPE.length + 1)))]
    expect(order.toSorted((a, b) => states.indexOf(a) - states.indexOf(b))).toEqual(states)
    for (const event of told) {
      expect(event).toMatchObject({ subject: id, data: { analysisId: id, run: 1 } })
      expect(event.id).toBe(`${id}/1/${event.type.slice(TYPE.length + 1)}`)
    }
  })
})
