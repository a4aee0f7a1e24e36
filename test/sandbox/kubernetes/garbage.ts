/**
 * The garbage collector: deletes dependents by the deletion policy of their owner, and objects whose owners do not exist. It
 * works from a queue after the request, like the real one.
 */
import type { KubeObject, OwnerRef } from './objects.ts'
import { createQueue } from './queue.ts'
import type { Propagation, Resources } from './resources.ts'
import type { Store } from './store.ts'

const FOREGROUND = 'foregroundDeletion'
const ORPHAN = 'orphan'

export function startGarbageCollector(store: Store, resources: Resources): () => void {
  const { add: look, stop: stopQueue } = createQueue((uid) => {
    const object = store.byUid(uid)
    if (object) attend(object)
  })

  const isIn = (object: KubeObject, finalizer: string): boolean =>
    object.metadata.finalizers?.includes(finalizer) ?? false

  function attend(object: KubeObject): void {
    if (object.metadata.deletionTimestamp === undefined) collect(object)
    else if (isIn(object, ORPHAN)) orphan(object)
    else if (isIn(object, FOREGROUND)) waitForDependents(object)
  }

  /** Foreground: the owner goes once nothing blocks it. */
  function waitForDependents(owner: KubeObject): void {
    const dependents = store.dependents(owner.metadata.uid)
    const blocking = dependents.filter(({ metadata }) =>
      metadata.ownerReferences?.some((ref) => ref.uid === owner.metadata.uid && ref.blockOwnerDeletion),
    )
    if (blocking.length === 0) {
      release(owner, FOREGROUND)
      return
    }
    for (const dependent of dependents) if (!isIn(dependent, FOREGROUND)) look(dependent.metadata.uid)
  }

  function orphan(owner: KubeObject): void {
    for (const dependent of store.dependents(owner.metadata.uid))
      keepOwners(dependent, (ref) => ref.uid !== owner.metadata.uid)
    release(owner, ORPHAN)
  }

  function release(object: KubeObject, finalizer: string): void {
    const finalizers = object.metadata.finalizers?.filter((one) => one !== finalizer) ?? []
    resources.write({ ...object, metadata: { ...object.metadata, finalizers } })
  }

  function keepOwners(object: KubeObject, keep: (ref: OwnerRef) => boolean): void {
    const { ownerReferences, ...rest } = object.metadata
    const kept = (ownerReferences ?? []).filter(keep)
    resources.write({ ...object, metadata: { ...rest, ...(kept.length > 0 ? { ownerReferences: kept } : {}) } })
  }

  /** An object that is not deleted: it remains while one of its owners exists. */
  function collect(object: KubeObject): void {
    const owners = object.metadata.ownerReferences ?? []
    if (owners.length === 0) return
    const states = new Map(owners.map((ref) => [ref.uid, ownerState(store, object, ref)]))
    const isSolid = (ref: OwnerRef) => states.get(ref.uid) === 'solid'
    if (owners.some(isSolid)) {
      if (!owners.every(isSolid)) keepOwners(object, isSolid)
      return
    }
    const waits = [...states.values()].includes('waiting')
    const policy = waits && store.dependents(object.metadata.uid).length > 0 ? 'Foreground' : inherited(object)
    const { namespace, name, uid } = object.metadata
    resources.remove(store.kinds.of(object), namespace, name, { propagationPolicy: policy, preconditions: { uid } })
  }

  function inherited(object: KubeObject): Propagation {
    if (isIn(object, ORPHAN)) return 'Orphan'
    return isIn(object, FOREGROUND) ? 'Foreground' : 'Background'
  }

  const stop = store.onChange(({ type, object }) => {
    if (type !== 'DELETED') return look(object.metadata.uid)
    for (const dependent of store.dependents(object.metadata.uid)) look(dependent.metadata.uid)
    for (const { uid } of object.metadata.ownerReferences ?? []) look(uid)
  })
  return () => {
    stop()
    stopQueue()
  }
}

function ownerState(store: Store, object: KubeObject, ref: OwnerRef): 'solid' | 'waiting' | 'gone' {
  const owner = store.byUid(ref.uid)
  const near = owner?.metadata.namespace === undefined || owner.metadata.namespace === object.metadata.namespace
  if (!owner || !near || owner.kind !== ref.kind || owner.metadata.name !== ref.name) return 'gone'
  const waiting = owner.metadata.deletionTimestamp !== undefined && owner.metadata.finalizers?.includes(FOREGROUND)
  return waiting ? 'waiting' : 'solid'
}
