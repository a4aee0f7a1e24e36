/**
 * Functions read their settings at start, and Kubernetes does not restart them when a ConfigMap or Secret changes. An
 * annotation with a digest of its settings gives a function a new revision exactly when they have changed.
 */
import { createHash } from 'node:crypto'
import { type DeployedObject, fieldsOf, isFunction } from './objects.ts'

export const STAMP = 'knative-pod-orchestration/settings'

/** A ConfigMap counts by its content, a Secret by the version of the object: a digest could reveal a short secret. */
export type Sources = ReadonlyMap<string, DeployedObject>

interface Reference {
  readonly source: string
  readonly key: string | undefined
}

interface Referrer {
  readonly name?: string
  readonly secretName?: string
  readonly key?: string
}

/** The fields of a pod template that refer to a ConfigMap or a Secret. */
const REFERRING: Readonly<Record<string, (value: Referrer) => Reference>> = {
  configMapKeyRef: ({ name, key }) => ({ source: `ConfigMap/${name}`, key }),
  configMap: ({ name }) => ({ source: `ConfigMap/${name}`, key: undefined }),
  secretKeyRef: ({ name }) => ({ source: `Secret/${name}`, key: undefined }),
  secret: ({ secretName }) => ({ source: `Secret/${secretName}`, key: undefined }),
}

const references = (template: unknown): readonly Reference[] =>
  [...fieldsOf(template)].flatMap(([field, value]) => REFERRING[field]?.(value as Referrer) ?? [])

const versionOf = (object: DeployedObject | undefined): string =>
  object ? `${object.metadata.uid}/${object.metadata.resourceVersion}` : 'none'

const contentOf = ({ source, key }: Reference, sources: Sources): string => {
  const object = sources.get(source)
  if (source.startsWith('Secret/')) return versionOf(object)
  return JSON.stringify(key === undefined ? (object?.data ?? null) : (object?.data?.[key] ?? null))
}

interface Template {
  readonly template: { readonly metadata?: { readonly annotations?: Readonly<Record<string, string>> } }
}

/** Adds the stamp to a function; other objects are returned unchanged. */
export function stamped(object: DeployedObject, sources: Sources): DeployedObject {
  if (!isFunction(object)) return object
  const spec = object.spec as Template
  const hash = createHash('sha256')
  for (const reference of references(spec.template)) {
    hash.update(`${reference.source}\n${reference.key ?? ''}\n${contentOf(reference, sources)}\n`)
  }
  const metadata = spec.template.metadata ?? {}
  const annotations = { ...metadata.annotations, [STAMP]: hash.digest('hex').slice(0, 16) }
  return { ...object, spec: { ...spec, template: { ...spec.template, metadata: { ...metadata, annotations } } } }
}

export const sourcesOf = (objects: readonly DeployedObject[]): Sources =>
  new Map(objects.map((object) => [`${object.kind}/${object.metadata.name}`, object]))

export function referred(
  objects: readonly DeployedObject[],
): readonly { readonly kind: string; readonly name: string }[] {
  const all = objects.filter(isFunction).flatMap(({ spec }) => references((spec as Template).template))
  return [...new Set(all.map(({ source }) => source))].map((source) => {
    const [kind = '', name = ''] = source.split('/')
    return { kind, name }
  })
}
