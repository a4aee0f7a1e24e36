/** Service accounts with their roles. Each function has its own account with exactly the verbs of its row. */
import type { ObjectOf, V1 } from '../../shared/platform/objects.ts'
import type { KubernetesGrant, Route } from '../../shared/routes/index.ts'
import { type Component, labelsOf } from './labels.ts'

const GROUP = 'rbac.authorization.k8s.io'

type Rule = V1<'PolicyRule'>

const metadataOf = (name: string, component: Component) => ({ name, labels: labelsOf(name, component) })

export const accountOf = (name: string, component: Component): ObjectOf<'ServiceAccount'> => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: metadataOf(name, component),
})

const roleOf = (name: string, component: Component, rules: readonly Rule[]): ObjectOf<'Role'> => ({
  apiVersion: `${GROUP}/v1`,
  kind: 'Role',
  metadata: metadataOf(name, component),
  rules,
})

const bindingOf = (name: string, component: Component, namespace?: string): ObjectOf<'RoleBinding'> => ({
  apiVersion: `${GROUP}/v1`,
  kind: 'RoleBinding',
  metadata: metadataOf(name, component),
  roleRef: { apiGroup: GROUP, kind: 'Role', name },
  subjects: [{ kind: 'ServiceAccount', name, ...(namespace ? { namespace } : {}) }],
})

export const accessOf = (name: string, component: Component, rules: readonly Rule[]) => [
  accountOf(name, component),
  roleOf(name, component, rules),
  bindingOf(name, component),
]

const ruleOf = ({ apiGroup, resources, verbs }: KubernetesGrant): Rule => ({ apiGroups: [apiGroup], resources, verbs })

export const isGranted = ({ kubernetes }: Route): boolean => kubernetes.length > 0

export const serviceAccount = (route: Route): ObjectOf<'ServiceAccount'> => ({
  ...accountOf(route.name, 'function'),
  automountServiceAccountToken: isGranted(route),
})

/** @param more rules beyond those of the row */
export const role = ({ name, kubernetes }: Route, more: readonly Rule[] = []): ObjectOf<'Role'> =>
  roleOf(name, 'function', [...kubernetes.map(ruleOf), ...more])

/** @param namespace of the account; by default kustomize sets it */
export const roleBinding = ({ name }: Route, namespace?: string): ObjectOf<'RoleBinding'> =>
  bindingOf(name, 'function', namespace)

/** A function without grants has an account without a role. */
export const access = (route: Route) =>
  isGranted(route) ? [serviceAccount(route), role(route), roleBinding(route)] : [serviceAccount(route)]
