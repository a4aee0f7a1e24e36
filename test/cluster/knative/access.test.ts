/** What a function's account may do at the real API server: what its row of the route table grants, and nothing else. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { allRoutes, type Route } from '../../../shared/routes.ts'
import { type Node, openNode } from './node.ts'

const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection']

/** Whatever these functions touch, and what somebody who got into one would ask for. */
const RESOURCES: Readonly<Record<string, readonly string[]>> = {
  '': [
    'pods',
    'pods/log',
    'pods/exec',
    'pods/ephemeralcontainers',
    'secrets',
    'configmaps',
    'services',
    'services/proxy',
    'serviceaccounts',
    'serviceaccounts/token',
    'events',
    'persistentvolumeclaims',
  ],
  apps: ['deployments', 'replicasets', 'daemonsets', 'statefulsets'],
  batch: ['jobs', 'cronjobs'],
  'networking.k8s.io': ['networkpolicies', 'ingresses'],
  'rbac.authorization.k8s.io': ['roles', 'rolebindings'],
  'serving.knative.dev': ['services'],
  'eng.cam.ac.uk': ['analytics'],
}
const CLUSTER_WIDE: Readonly<Record<string, readonly string[]>> = {
  '': ['nodes', 'namespaces', 'persistentvolumes'],
  'rbac.authorization.k8s.io': ['clusterroles', 'clusterrolebindings'],
  'apiextensions.k8s.io': ['customresourcedefinitions'],
}

const pairs = (table: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(table).flatMap(([group, resources]) =>
    resources.flatMap((resource) => VERBS.map((verb) => ({ group, resource, verb }))),
  )
type Asked = ReturnType<typeof pairs>[number]
const words = ({ group, resource, verb }: Asked): string => `${verb} ${group ? `${group}/` : ''}${resource}`

let node: Node
beforeAll(() => {
  node = openNode()
})
afterAll(() => node.close())

async function isAllowed(account: string, { group, resource, verb }: Asked, namespace?: string): Promise<boolean> {
  const [name, subresource] = resource.split('/')
  const review = await node.api.json<{ status: { allowed: boolean } }>(
    'POST',
    '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: `system:serviceaccount:${node.api.namespace}:${account}`,
        groups: ['system:serviceaccounts', `system:serviceaccounts:${node.api.namespace}`, 'system:authenticated'],
        resourceAttributes: {
          group,
          resource: name,
          verb,
          ...(subresource ? { subresource } : {}),
          ...(namespace ? { namespace } : {}),
        },
      },
    },
  )
  return review?.status.allowed ?? false
}

async function allowed(account: string, asked: readonly Asked[], namespace?: string): Promise<readonly string[]> {
  const answers = await Promise.all(
    asked.map(async (each) => ((await isAllowed(account, each, namespace)) ? words(each) : '')),
  )
  return answers.filter(Boolean).sort()
}

const granted = ({ kubernetes }: Route): readonly string[] =>
  [
    ...new Set(
      kubernetes.flatMap(({ apiGroup: group, resources, verbs }) =>
        resources.flatMap((resource) => verbs.map((verb) => words({ group, resource, verb }))),
      ),
    ),
  ].sort()

test.each(allRoutes.map((route) => [route.name, route] as const))(
  '%s may do what its row grants',
  async (name, route) => {
    expect(await node.api.find('ServiceAccount', name)).toBeDefined()
    expect(await allowed(name, pairs(RESOURCES), node.api.namespace)).toEqual(granted(route))
  },
)

describe('outside of its namespace', () => {
  test.each(allRoutes.map(({ name }) => name))('%s may do nothing', async (name) => {
    expect(await allowed(name, pairs(RESOURCES), 'kube-system')).toEqual([])
    expect(await allowed(name, pairs(CLUSTER_WIDE))).toEqual([])
  })
})

test('the accounts of the migration and of the gateway may do nothing at all', async () => {
  const accounts = await node.api.list('ServiceAccount', '')
  const functions = new Set<string>(allRoutes.map(({ name }) => name))
  const others = accounts.map(({ metadata }) => metadata.name).filter((name) => !functions.has(name))
  expect(others).toContain('po-migrate')
  for (const name of others) expect(await allowed(name, pairs(RESOURCES), node.api.namespace), name).toEqual([])
})
