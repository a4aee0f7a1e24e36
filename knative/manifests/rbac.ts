/** What a function may do in Kubernetes: an account of its own, and just the verbs of its row. */
import type { KubernetesObject } from '../../shared/platform/ports.ts'
import type { KubernetesGrant, Route } from '../../shared/routes/index.ts'
import { labelsOf } from './labels.ts'

const GROUP = 'rbac.authorization.k8s.io'

export interface PolicyRule {
  readonly apiGroups: readonly string[]
  readonly resources: readonly string[]
  readonly verbs: readonly string[]
}

const ruleOf = ({ apiGroup, resources, verbs }: KubernetesGrant): PolicyRule => ({
  apiGroups: [apiGroup],
  resources,
  verbs,
})

/** Whether it talks to the API server at all. */
export const isGranted = ({ kubernetes }: Route): boolean => kubernetes.length > 0

export const serviceAccount = (route: Route): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  metadata: { name: route.name, labels: labelsOf(route.name, 'function') },
  automountServiceAccountToken: isGranted(route),
})

/** @param more rules beyond those of the row */
export const role = (route: Route, more: readonly PolicyRule[] = []): KubernetesObject => ({
  apiVersion: `${GROUP}/v1`,
  kind: 'Role',
  metadata: { name: route.name, labels: labelsOf(route.name, 'function') },
  rules: [...route.kubernetes.map(ruleOf), ...more],
})

/** @param namespace of the account; kustomize fills it in where it is left out */
export const roleBinding = (route: Route, namespace?: string): KubernetesObject => ({
  apiVersion: `${GROUP}/v1`,
  kind: 'RoleBinding',
  metadata: { name: route.name, labels: labelsOf(route.name, 'function') },
  roleRef: { apiGroup: GROUP, kind: 'Role', name: route.name },
  subjects: [{ kind: 'ServiceAccount', name: route.name, ...(namespace ? { namespace } : {}) }],
})

/** All of it: a function without grants has an account that nothing is bound to. */
export const access = (route: Route): readonly KubernetesObject[] =>
  isGranted(route) ? [serviceAccount(route), role(route), roleBinding(route)] : [serviceAccount(route)]
