/** Kubernetes objects as kustomize renders them and the API server returns them. */

export interface ObjectRef {
  readonly apiVersion: string
  readonly kind: string
  readonly name: string
  readonly namespace: string | undefined
}

export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
}

export interface DeployedObject {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
    readonly generation?: number
    readonly resourceVersion?: string
    readonly uid?: string
    readonly deletionTimestamp?: string
    readonly ownerReferences?: readonly { readonly uid: string; readonly controller?: boolean }[]
  }
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: unknown
  readonly status?: Readonly<Record<string, unknown>> & {
    readonly observedGeneration?: number
    readonly conditions?: readonly Condition[]
  }
}

export const refOf = ({ apiVersion, kind, metadata }: DeployedObject): ObjectRef => ({
  apiVersion,
  kind,
  name: metadata.name,
  namespace: metadata.namespace,
})

/** For example `Service.v1.serving.knative.dev`, which tells a Knative Service from a core one. */
export function qualifiedKind({ apiVersion, kind }: Pick<ObjectRef, 'apiVersion' | 'kind'>): string {
  const [version = '', group] = apiVersion.split('/').reverse()
  return group ? `${kind}.${version}.${group}` : `${kind}.${version}.`
}

const KNATIVE_SERVICE = /^serving\.knative\.dev\//

export const isFunction = ({ apiVersion, kind }: Pick<ObjectRef, 'apiVersion' | 'kind'>): boolean =>
  kind === 'Service' && KNATIVE_SERVICE.test(apiVersion)

/** The kind and name for messages. A function has its name only: `Service` would suggest a core Service. */
export const titleOf = (object: DeployedObject): string =>
  isFunction(object) ? object.metadata.name : `${object.kind} ${object.metadata.name}`

/** All fields of an object at any depth, outer ones first. */
export function* fieldsOf(value: unknown): Generator<readonly [name: string, value: unknown]> {
  if (value === null || typeof value !== 'object') return
  for (const [name, inner] of Object.entries(value)) {
    if (!Array.isArray(value)) yield [name, inner]
    yield* fieldsOf(inner)
  }
}

/** An error that the operator can resolve; printed without a stack. */
export class DeployError extends Error {}
