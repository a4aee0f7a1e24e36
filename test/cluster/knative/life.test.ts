/** A real analysis from create to archive, with only PingSource ticks and Knative functions. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { timed } from '../world.ts'
import { type Node, OWNED, openNode } from './node.ts'

let node: Node
beforeAll(() => {
  node = openNode()
})
afterAll(() => node.close())

describe('an analysis on Knative', () => {
  const id = randomUUID()

  test('is created through the gateway, and a tick finds it executing', async () => {
    expect(await timed('create', () => node.create(id, node.installation.images.mean))).toEqual({ [id]: 'started' })
    await timed('executing', () => node.untilStatus(id, 'executing'))
  })

  test('is executed, reported and archived by ticks alone', async () => {
    await timed('executed', () => node.untilTold(id, 'executed'))
    await timed('nothing left', () => node.untilGone(id))
    expect(await node.left(`${OWNED}=${id}`)).toEqual([])
    expect((await node.historyOf(id)).analysis[id]?.join('')).toContain('mean')
    const { statuses } = await node.told(id)
    expect(statuses.at(-1)).toMatchObject({ status: 'executed' })
    expect(await node.hasClient(id)).toBe(false)
  })
})
