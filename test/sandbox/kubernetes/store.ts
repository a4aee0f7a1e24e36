/**
 * What is stored: objects by kind, namespace and name, one resource version for all, and the changes for watches.
 * Objects are immutable: a change stores a new object.
 */
import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { createKinds, type Kinds } from './kinds.ts'
import { type Kind, type KubeObject, resourceOf } from './objects.ts'

export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'
  readonly version: number
  readonly kind: Kind
  readonly object: KubeObject
  /** As it was before, if it was there. */
  readonly before: KubeObject | undefined
}

export interface Store {
  readonly kinds: Kinds
  get(kind: Kind, namespace: string | undefined, name: string): KubeObject | undefined
  byUid(uid: string): KubeObject | undefined
  /** In order of name; of all namespaces if none is given. */
  list(kind: Kind, namespace?: string): KubeObject[]
  /** Objects whose owner references name this uid. */
  dependents(uid: string): KubeObject[]
  /** Objects of a kind that no other controls, in no order. */
  uncontrolled(kind: Kind, namespace?: string): KubeObject[]
  put(object: KubeObject): KubeObject
  remove(object: KubeObject): void
  version(): number
  /** Changes after a version, or undefined when they are no longer known. */
  changesSince(version: number): readonly Change[] | undefined
  onChange(listener: (change: Change) => void): () => void
}

const HISTORY = 4096

const placeOf = (namespace: string | undefined, name: string): string => `${namespace ?? ''}/${name}`

export function createStore(): Store {
  const kinds = createKinds()
  const shelves = new Map<string, Map<string, KubeObject>>()
  const uids = new Map<string, KubeObject>()
  const owned = new Map<string, Set<string>>()
  /** By resource: uids of those without a controller. */
  const free = new Map<string, Set<string>>()
  const history: Change[] = []
  const changes = new EventEmitter().setMaxListeners(0)
  let version = 1

  function shelf(kind: Kind): Map<string, KubeObject> {
    const resource = resourceOf(kind)
    const found = shelves.get(resource) ?? new Map()
    shelves.set(resource, found)
    return found
  }

  function record(type: Change['type'], object: KubeObject, before: KubeObject | undefined): void {
    const change = { type, version, kind: kinds.of(object), object, before }
    history.push(change)
    if (history.length > 2 * HISTORY) history.splice(0, HISTORY)
    changes.emit('change', change)
  }

  function unlink(object: KubeObject): void {
    free.get(resourceOf(kinds.of(object)))?.delete(object.metadata.uid)
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const set = owned.get(uid)
      set?.delete(object.metadata.uid)
      if (set?.size === 0) owned.delete(uid)
    }
  }

  function link(object: KubeObject): void {
    if (!object.metadata.ownerReferences?.some(({ controller }) => controller)) {
      const resource = resourceOf(kinds.of(object))
      const set = free.get(resource) ?? new Set()
      free.set(resource, set.add(object.metadata.uid))
    }
    for (const { uid } of object.metadata.ownerReferences ?? []) {
      const set = owned.get(uid) ?? new Set()
      owned.set(uid, set.add(object.metadata.uid))
    }
  }

  return {
    kinds,
    get: (kind, namespace, name) => shelf(kind).get(placeOf(kind.namespaced ? namespace : undefined, name)),
    byUid: (uid) => uids.get(uid),
    list: (kind, namespace) =>
      [...shelf(kind).values()]
        .filter((object) => namespace === undefined || object.metadata.namespace === namespace)
        .sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1)),
    dependents: (uid) => [...(owned.get(uid) ?? [])].flatMap((dependent) => uids.get(dependent) ?? []),
    uncontrolled: (kind, namespace) =>
      [...(free.get(resourceOf(kind)) ?? [])]
        .flatMap((uid) => uids.get(uid) ?? [])
        .filter((object) => namespace === undefined || object.metadata.namespace === namespace),
    put(object) {
      const before = uids.get(object.metadata.uid)
      const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++version) } }
      shelf(kinds.of(object)).set(keyOf(object), stored)
      uids.set(object.metadata.uid, stored)
      if (before) unlink(before)
      link(stored)
      record(before ? 'MODIFIED' : 'ADDED', stored, before)
      return stored
    },
    remove(object) {
      if (!uids.delete(object.metadata.uid)) return
      shelf(kinds.of(object)).delete(keyOf(object))
      unlink(object)
      version++
      record('DELETED', { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } }, object)
    },
    version: () => version,
    changesSince(since) {
      const oldest = history[0]?.version ?? version + 1
      if (since + 1 < oldest && since < version) return undefined
      return history.filter((change) => change.version > since)
    },
    onChange(listener) {
      changes.on('change', listener)
      return () => changes.off('change', listener)
    },
  }
}

const keyOf = ({ metadata }: KubeObject): string => placeOf(metadata.namespace, metadata.name)

export const newUid = (): string => randomUUID()
/** The API counts in seconds. */
export const timestamp = (at = new Date()): string => `${at.toISOString().slice(0, 19)}Z`
