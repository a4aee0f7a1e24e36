/** The shape of everything the API stores, and the table of what it always stores. */

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
  /** Of a kind that a CustomResourceDefinition made. */
  readonly custom?: CustomKind
}

/** Schemas as OpenAPI writes them; only what the sandbox reads has a type. */
export interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: Schema | boolean
  readonly items?: Schema
  readonly nullable?: boolean
  readonly default?: Json
  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean
  readonly 'x-kubernetes-int-or-string'?: boolean
  readonly [keyword: string]: unknown
}

export interface CustomKind {
  readonly schema: Schema
  readonly singular: string
  readonly categories: readonly string[]
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
  {
    ...core,
    group: 'batch',
    kind: 'Job',
    plural: 'jobs',
    subresources: ['status'],
    generation: true,
  },
  {
    ...core,
    group: 'batch',
    kind: 'CronJob',
    plural: 'cronjobs',
    short: ['cj'],
    subresources: ['status'],
    generation: true,
  },
  {
    ...core,
    group: 'serving.knative.dev',
    kind: 'Service',
    plural: 'services',
    short: ['kservice', 'ksvc'],
    subresources: ['status'],
    label: true,
    generation: true,
  },
  {
    ...core,
    group: 'apiextensions.k8s.io',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    short: ['crd', 'crds'],
    namespaced: false,
    subresources: ['status'],
    generation: true,
  },
]

export const apiVersionOf = ({ group, version }: Kind): string => (group ? `${group}/${version}` : version)
export const resourceOf = ({ group, plural }: Kind): string => (group ? `${plural}.${group}` : plural)

/** One of the kinds that are always there; `Service` is that of the core API, not Knative's. */
export function kindNamed(kind: string, group?: string): Kind {
  const found = KINDS.find((one) => one.kind === kind && (group === undefined || one.group === group))
  if (!found) throw new Error(`unknown kind ${kind}`)
  return found
}
