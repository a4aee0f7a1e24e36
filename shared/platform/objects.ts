/**
 * Kubernetes objects as they are applied: their types, and the fragments that several builders share. The types come from
 * `@kubernetes/client-node`, so a misspelled field does not compile; the package is not loaded at run time. Pure.
 */
import type * as models from '@kubernetes/client-node/dist/gen/models/all.js'

// ------------------------------------------------------------------------------------------------------- types

type Scalar = string | number | boolean | null | undefined
/** A model of the client as JSON: read-only, times as text, and `from` for what the client calls `_from`. */
type Json<Model> = Model extends Scalar
  ? Model
  : Model extends Date
    ? string
    : Model extends readonly (infer Item)[]
      ? readonly Json<Item>[]
      : { readonly [Field in keyof Model as Field extends `_${infer Name}` ? Name : Field]: Json<Model[Field]> }

type Models = typeof models
type ModelName<Key = keyof Models> = Key extends `V1${infer Name}` ? Name : never

/** A type of the API, such as `V1<'PodSpec'>`. */
export type V1<Name extends ModelName> = Json<InstanceType<Models[`V1${Name}`]>>

type Metadata = Omit<V1<'ObjectMeta'>, 'name' | 'ownerReferences'> & {
  readonly name: string
  readonly ownerReferences?: readonly Required<V1<'OwnerReference'>>[]
}

/** An object of a kind whose fields beside `metadata` are `Body`. */
export type CustomObject<ApiVersion extends string, Kind extends string, Body> = Body & {
  readonly apiVersion: ApiVersion
  readonly kind: Kind
  readonly metadata: Metadata
}

interface ApiVersions {
  readonly ConfigMap: 'v1'
  readonly CronJob: 'batch/v1'
  readonly Deployment: 'apps/v1'
  readonly Job: 'batch/v1'
  readonly NetworkPolicy: 'networking.k8s.io/v1'
  readonly Role: 'rbac.authorization.k8s.io/v1'
  readonly RoleBinding: 'rbac.authorization.k8s.io/v1'
  readonly Secret: 'v1'
  readonly Service: 'v1'
  readonly ServiceAccount: 'v1'
  readonly ValidatingAdmissionPolicy: 'admissionregistration.k8s.io/v1'
  readonly ValidatingAdmissionPolicyBinding: 'admissionregistration.k8s.io/v1'
}

/** An object of a kind that Kubernetes itself has. */
export type ObjectOf<Kind extends keyof ApiVersions> = CustomObject<
  ApiVersions[Kind],
  Kind,
  Omit<V1<Kind>, 'apiVersion' | 'kind' | 'metadata' | 'status'>
>

/** Serving names the container, and fills in the port of its probe. */
type ServingContainer = Omit<V1<'Container'>, 'name' | 'livenessProbe'> & {
  readonly name?: string
  readonly livenessProbe?: Omit<V1<'Probe'>, 'httpGet'> & { readonly httpGet: { readonly path: string } }
}
type ServingPod = Omit<V1<'PodSpec'>, 'containers'> & {
  readonly containers: readonly ServingContainer[]
  readonly timeoutSeconds?: number
  readonly containerConcurrency?: number
}
export type KnativeService = CustomObject<
  'serving.knative.dev/v1',
  'Service',
  { readonly spec: { readonly template: Omit<V1<'PodTemplateSpec'>, 'spec'> & { readonly spec: ServingPod } } }
>

export type Labels = Readonly<Record<string, string>>

// --------------------------------------------------------------------------------------------------- ownership

interface Owner {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
}

/** An object with this reference is deleted with `owner`; a foreground deletion of `owner` waits for it. */
export const ownerReference = ({ apiVersion, kind, metadata }: Owner, uid: string) => ({
  apiVersion,
  kind,
  name: metadata.name,
  uid,
  controller: false,
  blockOwnerDeletion: true,
})

/** `object` with this owner and no other. */
export const withOwner = <T extends { readonly metadata: Metadata }>(
  owner: ReturnType<typeof ownerReference>,
  object: T,
): T => ({ ...object, metadata: { ...object.metadata, ownerReferences: [owner] } })

// -------------------------------------------------------------------------------------------------------- pods

/** For every container. With a non-root user and {@link SECCOMP} it satisfies Pod Security `restricted`. */
export const CONFINED = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } } as const

/** Of a pod; Serving accepts it for containers only. */
export const SECCOMP = { seccompProfile: { type: 'RuntimeDefault' } } as const

export const nonRoot = (user: number) => ({ runAsNonRoot: true, runAsUser: user, runAsGroup: user })

/** User of foreign images where the site demands non-root: few images set one. */
const FOREIGN_USER = 10_001

/** Of a container with a foreign image. */
export const foreignSecurity = (podSecurity: 'baseline' | 'restricted'): V1<'SecurityContext'> => ({
  ...CONFINED,
  ...(podSecurity === 'restricted' ? nonRoot(FOREIGN_USER) : {}),
})

/** For every pod with a foreign image: no token of the cluster, no addresses of its Services. */
export const ISOLATED = { automountServiceAccountToken: false, enableServiceLinks: false } as const

/** As {@link ISOLATED}. The class schedules runs after the control plane, and evicts them first; empty: the cluster's default. */
export const isolatedPod = (priorityClass: string) => ({
  ...ISOLATED,
  securityContext: SECCOMP,
  ...(priorityClass === '' ? {} : { priorityClassName: priorityClass }),
})

/** `auto`: a digest always names the same content; what a tag names, and who may pull it, can change. */
export const pullPolicyOf = (image: string, chosen: 'auto' | 'IfNotPresent' | 'Always') =>
  chosen === 'auto' ? (image.includes('@') ? 'IfNotPresent' : 'Always') : chosen

/** Quantities; an empty text is none. */
export interface ResourceSettings {
  readonly cpuRequest: string
  readonly cpuLimit: string
  readonly memoryRequest: string
  readonly memoryLimit: string
  /** Of everything written outside of volumes, container logs included. */
  readonly diskLimit: string
}

/** Without a request of its own, the scheduler reserves the whole limit. */
const DISK_REQUEST = '64Mi'

const quantities = (cpu: string, memory: string, disk: string) => ({
  ...(cpu ? { cpu } : {}),
  ...(memory ? { memory } : {}),
  ...(disk ? { 'ephemeral-storage': disk } : {}),
})

export const resources = ({ cpuRequest, cpuLimit, memoryRequest, memoryLimit, diskLimit }: ResourceSettings) => ({
  requests: quantities(cpuRequest, memoryRequest, diskLimit && DISK_REQUEST),
  limits: quantities(cpuLimit, memoryLimit, diskLimit),
})

// ----------------------------------------------------------------------------------------------------- objects

/** Port of every Service of a pod. */
export const SERVICE_PORT = 80

export const service = (metadata: Metadata, selector: Labels, targetPort: number): ObjectOf<'Service'> => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata,
  spec: {
    type: 'ClusterIP',
    selector,
    ports: [{ name: 'http', protocol: 'TCP', port: SERVICE_PORT, targetPort }],
  },
})

/** Never more than one pod: the next one is created after the last one has ended. */
export const deployment = (
  metadata: Metadata & { readonly labels: Labels },
  selector: Labels,
  spec: V1<'PodSpec'>,
): ObjectOf<'Deployment'> => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata,
  spec: {
    replicas: 1,
    revisionHistoryLimit: 0,
    strategy: { type: 'Recreate' },
    selector: { matchLabels: selector },
    template: { metadata: { labels: metadata.labels }, spec },
  },
})

export const tcp = (port: number | string) => [{ protocol: 'TCP', port }]

/** Denies what no rule allows, in both directions unless `rules` names the types. */
export const networkPolicy = (
  metadata: Metadata,
  podSelector: V1<'LabelSelector'>,
  rules: Partial<Omit<V1<'NetworkPolicySpec'>, 'podSelector'>>,
): ObjectOf<'NetworkPolicy'> => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata,
  spec: { podSelector, policyTypes: ['Ingress', 'Egress'], ...rules },
})
