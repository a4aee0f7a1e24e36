/** The permissions of a service account, by subject access reviews. */
import type { Route } from '../../../shared/routes/index.ts'
import type { Api } from '../api.ts'

const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection']

/** The resources that functions use, and those that an intruder would want. */
export const RESOURCES: Readonly<Record<string, readonly string[]>> = {
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
  'eng.cam.ac.uk': ['analytics', 'analytics/status', 'analytics/finalizers'],
}
export const CLUSTER_WIDE: Readonly<Record<string, readonly string[]>> = {
  '': ['nodes', 'namespaces', 'persistentvolumes'],
  'rbac.authorization.k8s.io': ['clusterroles', 'clusterrolebindings'],
  'apiextensions.k8s.io': ['customresourcedefinitions'],
}

export const pairs = (table: Readonly<Record<string, readonly string[]>>) =>
  Object.entries(table).flatMap(([group, resources]) =>
    resources.flatMap((resource) => VERBS.map((verb) => ({ group, resource, verb }))),
  )
type Asked = ReturnType<typeof pairs>[number]
const words = ({ group, resource, verb }: Asked): string => `${verb} ${group ? `${group}/` : ''}${resource}`

async function isAllowed(
  api: Api,
  account: string,
  { group, resource, verb }: Asked,
  namespace?: string,
): Promise<boolean> {
  const [name, subresource] = resource.split('/')
  const review = await api.json<{ status: { allowed: boolean } }>(
    'POST',
    '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: `system:serviceaccount:${api.namespace}:${account}`,
        groups: ['system:serviceaccounts', `system:serviceaccounts:${api.namespace}`, 'system:authenticated'],
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

export async function allowed(
  api: Api,
  account: string,
  asked: readonly Asked[],
  namespace?: string,
): Promise<readonly string[]> {
  const answers = await Promise.all(
    asked.map(async (each) => ((await isAllowed(api, account, each, namespace)) ? words(each) : '')),
  )
  return answers.filter(Boolean).sort()
}

export const granted = ({ kubernetes }: Route): readonly string[] =>
  [
    ...new Set(
      kubernetes.flatMap(({ apiGroup: group, resources, verbs }) =>
        resources.flatMap((resource) => verbs.map((verb) => words({ group, resource, verb }))),
      ),
    ),
  ].sort()
