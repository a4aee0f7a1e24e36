/** API paths of kinds, and label selectors. */
import { Fault } from '../../platform/fault.ts'
import type { KubernetesObject } from '../../platform/ports.ts'

const PATHS = {
  Secret: ['api/v1', 'secrets'],
  ConfigMap: ['api/v1', 'configmaps'],
  Service: ['api/v1', 'services'],
  Pod: ['api/v1', 'pods'],
  Deployment: ['apis/apps/v1', 'deployments'],
  ReplicaSet: ['apis/apps/v1', 'replicasets'],
  NetworkPolicy: ['apis/networking.k8s.io/v1', 'networkpolicies'],
  Job: ['apis/batch/v1', 'jobs'],
  CronJob: ['apis/batch/v1', 'cronjobs'],
  Analytics: ['apis/eng.cam.ac.uk/v1alpha1', 'analytics'],
  KnativeService: ['apis/serving.knative.dev/v1', 'services'],
} as const

export type ResourceKind = keyof typeof PATHS

const isKind = (kind: string): kind is ResourceKind => Object.hasOwn(PATHS, kind)

export function kindOf(word: string): ResourceKind {
  if (!isKind(word)) throw new Fault('unexpected', `No path is known for the kind ${word}.`)
  return word
}

/** Core and Knative both have a kind `Service`. */
export const kindOfObject = ({ apiVersion, kind }: Pick<KubernetesObject, 'apiVersion' | 'kind'>): ResourceKind =>
  kindOf(kind === 'Service' && apiVersion.startsWith('serving.knative.dev/') ? 'KnativeService' : kind)

/** Path of a collection, or of one object in it. */
export function pathOf(namespace: string, kind: ResourceKind, name?: string): string {
  const [group, plural] = PATHS[kind]
  const collection = `/${group}/namespaces/${encodeURIComponent(namespace)}/${plural}`
  return name === undefined ? collection : `${collection}/${encodeURIComponent(name)}`
}

/** `{a: 'x', b: undefined}` → `a=x,b`. */
export const labelSelector = (labels: Readonly<Record<string, string | undefined>>): string =>
  Object.entries(labels)
    .map(([key, value]) => (value === undefined ? key : `${key}=${value}`))
    .join(',')
