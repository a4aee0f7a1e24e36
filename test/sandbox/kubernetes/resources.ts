/** The verbs of the API on stored objects: admission, ownership of fields, resource versions, graceful deletion. */
import { randomBytes } from 'node:crypto'
import { withDefaults } from './defaults.ts'
import { alreadyExists, conflict, Failure, notFound } from './failure.ts'
import { equal } from './merge.ts'
import { type Kind, type KubeObject, kindNamed, type Meta } from './objects.ts'
import { applyTo, type Manager, recordUpdate } from './ownership.ts'
import { newUid, type Store, timestamp } from './store.ts'
import { assertFixed, bodyOf, validate, validateUpdate } from './validate.ts'

export type Propagation = 'Foreground' | 'Background' | 'Orphan'

export interface DeleteOptions {
  readonly propagationPolicy?: Propagation | undefined
  readonly gracePeriodSeconds?: number | undefined
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined
}

export interface Resources {
  find(kind: Kind, namespace: string | undefined, name: string): KubeObject
  create(kind: Kind, namespace: string | undefined, body: unknown, manager: string): KubeObject
  replace(
    kind: Kind,
    namespace: string | undefined,
    name: string,
    body: unknown,
    manager: string,
    subresource?: string,
  ): KubeObject
  /** Replaces what `change` makes of the object, if that is another one. */
  change(
    kind: Kind,
    namespace: string | undefined,
    name: string,
    manager: string,
    change: (live: KubeObject) => unknown,
    subresource?: string,
  ): KubeObject
  apply(
    kind: Kind,
    namespace: string | undefined,
    name: string,
    body: unknown,
    manager: string,
    force: boolean,
    subresource?: string,
  ): { object: KubeObject; created: boolean }
  remove(kind: Kind, namespace: string | undefined, name: string, options?: DeleteOptions): KubeObject
  /** A controller's write: no admission, no ownership; removes the object when that was all that held it. */
  write(object: KubeObject): void
}

/** `runsPods`: pods terminate gracefully, so they remain until the kubelet releases them. */
export function createResources(store: Store, runsPods: () => boolean): Resources {
  function find(kind: Kind, namespace: string | undefined, name: string): KubeObject {
    const found = store.get(kind, namespace, name)
    if (!found) throw notFound(kind, name)
    return found
  }

  function admit(
    kind: Kind,
    namespace: string | undefined,
    body: KubeObject,
    owners: (object: KubeObject) => KubeObject,
  ): KubeObject {
    requireNamespace(store, kind, namespace)
    const { status: _, ...said } = body
    const fresh = freshObject(namespace, hasStatus(kind) ? (said as KubeObject) : body)
    const object = withDefaults(kind, kind.generation ? withGeneration(fresh, 1) : fresh)
    validate(kind, object)
    if (store.get(kind, namespace, object.metadata.name)) throw alreadyExists(kind, object.metadata.name)
    return store.put(withDefaults(kind, owners(object)))
  }

  function update(kind: Kind, live: KubeObject, next: KubeObject): KubeObject {
    if (next === live) return live
    const filled = withDefaults(kind, next)
    validate(kind, filled)
    validateUpdate(kind, live, filled)
    assertFixed(kind, live, filled)
    if (equal(withoutBookkeeping(live), withoutBookkeeping(filled))) return live
    const changed = kind.generation && !equal(wishOf(live), wishOf(filled))
    const object = changed ? withGeneration(filled, (live.metadata.generation ?? 0) + 1) : filled
    if (isReleased(object)) {
      store.remove(object)
      return object
    }
    return store.put(object)
  }

  function change(
    kind: Kind,
    namespace: string | undefined,
    name: string,
    manager: string,
    edit: (live: KubeObject) => unknown,
    subresource?: string,
  ): KubeObject {
    const live = find(kind, namespace, name)
    const body = bodyOf(kind, edit(live), true)
    const version = body.metadata?.resourceVersion
    if (version && version !== live.metadata.resourceVersion)
      throw conflict(
        kind,
        name,
        'the object has been modified; please apply your changes to the latest version and try again',
      )
    const whole = { ...body, metadata: { ...body.metadata, ...keptOf(live.metadata) } }
    const next = withDefaults(kind, hasStatus(kind) ? divided(live, whole, subresource) : whole)
    return update(kind, live, recordUpdate(live, next, { name: manager, time: timestamp(), subresource }))
  }

  return {
    find,
    create: (kind, namespace, body, manager) =>
      admit(kind, namespace, bodyOf(kind, body, true), (object) =>
        recordUpdate(undefined, object, { name: manager, time: timestamp() }),
      ),
    replace: (kind, namespace, name, body, manager, subresource) =>
      change(kind, namespace, name, manager, () => body, subresource),
    change,
    apply(kind, namespace, name, body, manager, force, subresource) {
      const said = bodyOf(kind, body, false)
      const config = partOf(kind, { ...said, metadata: { ...said.metadata, name } }, subresource)
      const by: Manager = { name: manager, time: timestamp(), subresource }
      const live = store.get(kind, namespace, name)
      if (!live && subresource) throw notFound(kind, name)
      if (!live) {
        const owners = (object: KubeObject) => applyTo(kind, object, config, by, true)
        return { object: admit(kind, namespace, config, owners), created: true }
      }
      return { object: update(kind, live, applyTo(kind, live, config, by, force)), created: false }
    },
    remove(kind, namespace, name, options = {}) {
      const live = find(kind, namespace, name)
      checkPreconditions(kind, live, options)
      const next = marked(kind, live, options, runsPods())
      if (isReleased(next)) store.remove(next)
      else if (next !== live) store.put(next)
      return next
    },
    write(object) {
      if (!store.byUid(object.metadata.uid)) return
      if (isReleased(object)) store.remove(object)
      else store.put(object)
    },
  }
}

function requireNamespace(store: Store, kind: Kind, namespace: string | undefined): void {
  const spaces = kindNamed('Namespace')
  if (!kind.namespaced) return
  const space = store.get(spaces, undefined, namespace ?? '')
  if (!space) throw notFound(spaces, namespace ?? '')
  if (space.metadata.deletionTimestamp) {
    throw new Failure(
      403,
      'Forbidden',
      `unable to create new content in namespace ${namespace} because it is being terminated`,
    )
  }
}

function freshObject(namespace: string | undefined, body: KubeObject): KubeObject {
  const { name, generateName, labels, annotations, ownerReferences, finalizers } = body.metadata ?? {}
  const metadata: Meta = {
    name: name || (generateName ? generateName + randomBytes(3).toString('hex').slice(0, 5) : ''),
    ...(generateName ? { generateName } : {}),
    ...(namespace ? { namespace } : {}),
    uid: newUid(),
    resourceVersion: '',
    creationTimestamp: timestamp(),
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
    ...(ownerReferences?.length ? { ownerReferences } : {}),
    ...(finalizers?.length ? { finalizers } : {}),
  }
  return { ...body, metadata }
}

const hasStatus = ({ subresources }: Kind): boolean => subresources.includes('status')

/** Of an update: the subresource changes the status alone, the object itself everything else. */
function divided(live: KubeObject, next: KubeObject, subresource: string | undefined): KubeObject {
  const [owner, status] = subresource === 'status' ? [live, next['status']] : [next, live['status']]
  const { status: _, ...rest } = owner
  return { ...(rest as KubeObject), ...(status === undefined ? {} : { status }) }
}

/** What of a configuration is applied through a subresource, or beside it. */
function partOf(kind: Kind, config: KubeObject, subresource: string | undefined): KubeObject {
  if (!hasStatus(kind)) return config
  const { status, ...rest } = config
  if (subresource !== 'status') return rest as KubeObject
  const { apiVersion, metadata } = config
  return { apiVersion, kind: config.kind, metadata: { name: metadata.name } as Meta, status }
}

/** All that users decide. */
function wishOf({ apiVersion: _, kind: __, metadata: ___, status: ____, ...wish }: KubeObject) {
  return wish
}

const withGeneration = (object: KubeObject, generation: number): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, generation },
})

/** What no update of a client can change. */
function keptOf(meta: Meta): Partial<Meta> {
  const {
    name,
    namespace,
    uid,
    resourceVersion,
    creationTimestamp,
    generation,
    deletionTimestamp,
    deletionGracePeriodSeconds,
  } = meta
  const kept = {
    name,
    namespace,
    uid,
    resourceVersion,
    creationTimestamp,
    generation,
    deletionTimestamp,
    deletionGracePeriodSeconds,
  }
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined))
}

/** The same but for the times in `managedFields`: then there was nothing to write. */
function withoutBookkeeping(object: KubeObject) {
  const { resourceVersion: _, generation: __, managedFields, ...metadata } = object.metadata
  const owners = managedFields?.map(({ time: ___, ...entry }) => entry)
  return { ...object, metadata: { ...metadata, owners } }
}

/** Deleted, and no finalizer and no grace period holds it any longer. */
const isReleased = ({ metadata }: KubeObject): boolean =>
  metadata.deletionTimestamp !== undefined && !metadata.finalizers?.length && !metadata.deletionGracePeriodSeconds

function checkPreconditions(kind: Kind, { metadata }: KubeObject, { preconditions }: DeleteOptions): void {
  if (preconditions?.uid && preconditions.uid !== metadata.uid) {
    throw conflict(
      kind,
      metadata.name,
      `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${metadata.uid}`,
    )
  }
  if (preconditions?.resourceVersion && preconditions.resourceVersion !== metadata.resourceVersion) {
    throw conflict(kind, metadata.name, 'Precondition failed: ResourceVersion')
  }
}

const POLICY_FINALIZER: Readonly<Record<Propagation, string | undefined>> = {
  Foreground: 'foregroundDeletion',
  Orphan: 'orphan',
  Background: undefined,
}

/** The object as a deletion leaves it: marked, with the finalizer of its policy; released if nothing holds it. */
function marked(kind: Kind, live: KubeObject, options: DeleteOptions, runsPods: boolean): KubeObject {
  const { metadata } = live
  const others = (metadata.finalizers ?? []).filter((one) => one !== 'foregroundDeletion' && one !== 'orphan')
  const asked = options.propagationPolicy
  const held = asked ? POLICY_FINALIZER[asked] : metadata.finalizers?.find((one) => !others.includes(one))
  const finalizers = held ? [...others, held] : others
  const grace = graceOf(kind, live, options, runsPods)
  const again = metadata.deletionTimestamp !== undefined
  if (again && equal(finalizers, metadata.finalizers ?? []) && grace === metadata.deletionGracePeriodSeconds)
    return live
  const { finalizers: _, ...rest } = metadata
  return {
    ...live,
    metadata: {
      ...rest,
      ...(finalizers.length > 0 ? { finalizers } : {}),
      deletionTimestamp: metadata.deletionTimestamp ?? timestamp(new Date(Date.now() + grace * 1000)),
      deletionGracePeriodSeconds: grace,
    },
  }
}

/** A second deletion may shorten the grace period, never lengthen it. */
function graceOf(kind: Kind, live: KubeObject, { gracePeriodSeconds }: DeleteOptions, runsPods: boolean): number {
  if (kind.kind !== 'Pod' || !runsPods) return 0
  const own = (live['spec'] as { terminationGracePeriodSeconds?: number }).terminationGracePeriodSeconds ?? 30
  return Math.min(gracePeriodSeconds ?? own, live.metadata.deletionGracePeriodSeconds ?? Number.POSITIVE_INFINITY)
}
