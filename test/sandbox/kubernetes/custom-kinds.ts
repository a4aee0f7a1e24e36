/** Custom kinds and the status of their CustomResourceDefinitions. One version each, without conversion. */
import type { Cause } from './failure.ts'
import { equal } from './merge.ts'
import { type Kind, type KubeObject, kindNamed, resourceOf, type Schema } from './objects.ts'
import type { Resources } from './resources.ts'
import { type Store, timestamp } from './store.ts'

const DEFINITIONS = kindNamed('CustomResourceDefinition')
/** Finalizer that keeps a definition until the last object of its kind is deleted. */
const CLEANUP = 'customresourcecleanup.apiextensions.k8s.io'

interface Version {
  readonly name: string
  readonly served: boolean
  readonly schema?: { readonly openAPIV3Schema?: Schema }
  readonly subresources?: { readonly status?: object }
}

interface Definition {
  readonly group: string
  readonly scope: 'Namespaced' | 'Cluster'
  readonly names: {
    readonly plural: string
    readonly singular?: string
    readonly kind: string
    readonly shortNames?: readonly string[]
    readonly categories?: readonly string[]
  }
  readonly versions: readonly Version[]
}

const specOf = (definition: KubeObject) => definition['spec'] as Definition

function kindOf(definition: KubeObject): Kind {
  const { group, scope, names, versions } = specOf(definition)
  const version = versions.find(({ served }) => served) ?? versions[0]
  return {
    group,
    version: version?.name ?? '',
    kind: names.kind,
    plural: names.plural,
    short: names.shortNames ?? [],
    namespaced: scope === 'Namespaced',
    subresources: version?.subresources?.status ? ['status'] : [],
    generation: true,
    custom: {
      schema: version?.schema?.openAPIV3Schema ?? {},
      singular: names.singular ?? names.kind.toLowerCase(),
      categories: names.categories ?? [],
    },
  }
}

export function startCustomKinds(store: Store, resources: Resources): () => void {
  const scheduled = new Set<NodeJS.Immediate>()
  const soon = (act: () => void): void => {
    const one = setImmediate(() => {
      scheduled.delete(one)
      act()
    })
    scheduled.add(one)
  }

  function look(uid: string): void {
    const definition = store.byUid(uid)
    if (!definition) return
    if (definition.metadata.deletionTimestamp === undefined) establish(definition)
    else clear(definition)
  }

  function establish(definition: KubeObject): void {
    const { names, versions } = specOf(definition)
    const { finalizers = [] } = definition.metadata
    const before = definition['status'] as { conditions?: readonly { lastTransitionTime: string }[] } | undefined
    const since = before?.conditions?.[0]?.lastTransitionTime ?? timestamp()
    const holds = (type: string, reason: string) => ({ type, status: 'True', reason, lastTransitionTime: since })
    const status = {
      acceptedNames: names,
      conditions: [holds('NamesAccepted', 'NoConflicts'), holds('Established', 'InitialNamesAccepted')],
      storedVersions: versions.map(({ name }) => name),
    }
    if (finalizers.includes(CLEANUP) && equal(definition['status'], status)) return
    const metadata = { ...definition.metadata, finalizers: [...new Set([...finalizers, CLEANUP])] }
    resources.write({ ...definition, metadata, status })
  }

  function clear(definition: KubeObject): void {
    const kind = kindOf(definition)
    const objects = store.list(kind)
    for (const { metadata } of objects)
      if (metadata.deletionTimestamp === undefined) resources.remove(kind, metadata.namespace, metadata.name)
    if (store.list(kind).length > 0) return
    const finalizers = definition.metadata.finalizers?.filter((one) => one !== CLEANUP) ?? []
    resources.write({ ...definition, metadata: { ...definition.metadata, finalizers } })
  }

  const stop = store.onChange(({ type, kind, object }) => {
    if (kind.kind === 'CustomResourceDefinition') {
      // At once: a client may use the kind as soon as the definition is returned.
      if (type === 'DELETED') store.kinds.forget(kindOf(object))
      else store.kinds.define(kindOf(object))
      soon(() => look(object.metadata.uid))
    } else if (kind.custom && type === 'DELETED') {
      const definition = store.list(DEFINITIONS).find(({ metadata }) => metadata.name === resourceOf(kind))
      if (definition) soon(() => look(definition.metadata.uid))
    }
  })
  return () => {
    stop()
    for (const one of scheduled) clearImmediate(one)
  }
}

/** What would make a definition useless here; most of what the real API checks is left to it. */
export function definitionFaults(definition: KubeObject): Cause[] {
  const spec = definition['spec'] as Partial<Definition> | undefined
  const { group = '', names, versions = [] } = spec ?? {}
  const required = (field: string): Cause => ({ reason: 'FieldValueRequired', message: 'Required value', field })
  const refused = (field: string, value: unknown, why: string): Cause => ({
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
    field,
  })
  const name = `${names?.plural}.${group}`
  return [
    ...(definition.metadata.name === name
      ? []
      : [refused('metadata.name', definition.metadata.name, 'must be spec.names.plural+"."+spec.group')]),
    ...(versions.length === 1 ? [] : [refused('spec.versions', versions.length, 'the sandbox knows one version')]),
    ...versions.flatMap(({ schema }, at) =>
      schema?.openAPIV3Schema ? [] : [required(`spec.versions[${at}].schema.openAPIV3Schema`)],
    ),
  ]
}
