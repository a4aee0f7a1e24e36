/** The shape of everything the API stores, and the table of what it stores. */

export interface OwnerRef {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

/** A tree of owned fields as the API writes it: `{"f:spec": {"k:{\"name\":\"a\"}": {".": {}}}}`. */
export interface FieldTree {
  [step: string]: FieldTree
}

export interface ManagedFields {
  manager: string
  operation: 'Apply' | 'Update'
  apiVersion: string
  time: string
  fieldsType: 'FieldsV1'
  fieldsV1: FieldTree
  subresource?: string
}

export interface Meta {
  name: string
  namespace?: string
  generateName?: string
  uid: string
  resourceVersion: string
  generation?: number
  creationTimestamp: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  ownerReferences?: OwnerRef[]
  finalizers?: string[]
  managedFields?: ManagedFields[]
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: Meta
  [field: string]: unknown
}

export interface Kind {
  readonly group: string
  readonly version: string
  readonly kind: string
  readonly plural: string
  readonly short: readonly string[]
  readonly namespaced: boolean
  readonly subresources: readonly string[]
  /** Names are DNS labels (63 characters) instead of subdomains (253). */
  readonly label?: true
  /** A changed `spec` raises `metadata.generation`. */
  readonly generation?: true
}

const core = { group: '', version: 'v1', namespaced: true, short: [], subresources: [] } as const

export const KINDS: readonly Kind[] = [
  { ...core, kind: 'Namespace', plural: 'namespaces', short: ['ns'], namespaced: false, label: true },
  { ...core, kind: 'Secret', plural: 'secrets' },
  { ...core, kind: 'ConfigMap', plural: 'configmaps', short: ['cm'] },
  { ...core, kind: 'Service', plural: 'services', short: ['svc'], subresources: ['proxy', 'status'], label: true },
  { ...core, kind: 'ServiceAccount', plural: 'serviceaccounts', short: ['sa'] },
  { ...core, kind: 'Event', plural: 'events', short: ['ev'] },
  { ...core, kind: 'Pod', plural: 'pods', short: ['po'], subresources: ['log', 'proxy', 'status'] },
  {
    ...core,
    group: 'apps',
    kind: 'Deployment',
    plural: 'deployments',
    short: ['deploy'],
    subresources: ['status'],
    generation: true,
  },
  {
    ...core,
    group: 'apps',
    kind: 'ReplicaSet',
    plural: 'replicasets',
    short: ['rs'],
    subresources: ['status'],
    generation: true,
  },
  {
    ...core,
    group: 'networking.k8s.io',
    kind: 'NetworkPolicy',
    plural: 'networkpolicies',
    short: ['netpol'],
    generation: true,
  },
]

export const apiVersionOf = ({ group, version }: Kind): string => (group ? `${group}/${version}` : version)
export const resourceOf = ({ group, plural }: Kind): string => (group ? `${plural}.${group}` : plural)

export function kindNamed(kind: string): Kind {
  const found = KINDS.find((one) => one.kind === kind)
  if (!found) throw new Error(`unknown kind ${kind}`)
  return found
}
