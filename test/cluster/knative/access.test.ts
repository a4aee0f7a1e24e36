/** The real API server grants a function's service account exactly the permissions of its route. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { poRoutes } from '../../../shared/routes/index.ts'
import { allowed, CLUSTER_WIDE, granted, pairs, RESOURCES } from './access.ts'
import { type Node, openNode } from './node.ts'

let node: Node
beforeAll(() => {
  node = openNode()
})
afterAll(() => node.close())

test.each(poRoutes.map((route) => [route.name, route] as const))(
  '%s may do what its row grants',
  async (name, route) => {
    expect(await node.api.find('ServiceAccount', name)).toBeDefined()
    expect(await allowed(node.api, name, pairs(RESOURCES), node.api.namespace)).toEqual(granted(route))
  },
)

describe('outside of its namespace', () => {
  test.each(poRoutes.map(({ name }) => name))('%s may do nothing', async (name) => {
    expect(await allowed(node.api, name, pairs(RESOURCES), 'kube-system')).toEqual([])
    expect(await allowed(node.api, name, pairs(CLUSTER_WIDE))).toEqual([])
  })
})

test('the accounts of the migration and of the gateway may do nothing at all', async () => {
  const accounts = await node.api.list('ServiceAccount', '')
  const functions = new Set<string>(poRoutes.map(({ name }) => name))
  const others = accounts.map(({ metadata }) => metadata.name).filter((name) => !functions.has(name))
  expect(others).toContain('po-migrate')
  for (const name of others)
    expect(await allowed(node.api, name, pairs(RESOURCES), node.api.namespace), name).toEqual([])
})
