/** Deployments make ReplicaSets, ReplicaSets make pods: names, labels and owners as in a cluster. */
import { createHash } from 'node:crypto'
import { equal } from './merge.ts'
import { type KubeObject, kindNamed } from './objects.ts'
import { isOver, isReady } from './pod-types.ts'
import { controllerRef, createQueue, lettersOf, randomName } from './queue.ts'
import type { Resources } from './resources.ts'
import { hasLabels } from './selectors.ts'
import type { Store } from './store.ts'

const MANAGER = 'kube-controller-manager'
const HASH = 'pod-template-hash'

interface Template {
  readonly metadata?: { readonly labels?: Record<string, string>; readonly annotations?: Record<string, string> }
  readonly spec: unknown
}

interface WorkloadSpec {
  readonly replicas: number
  readonly selector: { readonly matchLabels?: Record<string, string> }
  readonly template: Template
  readonly strategy?: { readonly type: string }
}

const specOf = (object: KubeObject) => object['spec'] as WorkloadSpec
const isAlive = ({ metadata }: KubeObject) => metadata.deletionTimestamp === undefined

export function startWorkloads(store: Store, resources: Resources): () => void {
  const replicaSets = kindNamed('ReplicaSet')
  const pods = kindNamed('Pod')
  const { add: look, stop: stopQueue } = createQueue((uid) => {
    const object = store.byUid(uid)
    if (object?.kind === 'Deployment') deployment(object)
    else if (object?.kind === 'ReplicaSet') replicaSet(object)
  })

  const owned = (owner: KubeObject, kind: string): KubeObject[] =>
    store.dependents(owner.metadata.uid).filter((one) => one.kind === kind)

  /** Adopts sets without a controller that its selector matches. */
  function adoptSets(object: KubeObject): void {
    const { matchLabels = {} } = specOf(object).selector
    const { namespace } = object.metadata
    for (const set of store.uncontrolled(replicaSets, namespace)) {
      if (!isAlive(set) || !hasLabels(set.metadata.labels, matchLabels)) continue
      resources.change(replicaSets, namespace, set.metadata.name, MANAGER, (live) => {
        const { metadata } = live as KubeObject
        const ownerReferences = [...(metadata.ownerReferences ?? []), controllerRef(object)]
        return { ...(live as KubeObject), metadata: { ...metadata, ownerReferences } }
      })
    }
  }

  const podsOf = (sets: readonly KubeObject[]): KubeObject[] => sets.flatMap((set) => owned(set, 'Pod'))

  function deployment(object: KubeObject): void {
    const hash = hashOf(specOf(object).template)
    if (isAlive(object)) adoptSets(object)
    const sets = owned(object, 'ReplicaSet')
    const current = sets.filter((set) => set.metadata.labels?.[HASH] === hash)
    const old = sets.filter((set) => !current.includes(set))
    if (isAlive(object)) roll(object, hash, current, old)
    report(object, deploymentStatus(object, podsOf(current), podsOf(old)))
  }

  /** Recreate: the old pods are gone before a new one starts. Otherwise the new are ready before the old go. */
  function roll(object: KubeObject, hash: string, current: readonly KubeObject[], old: readonly KubeObject[]): void {
    const { replicas, strategy } = specOf(object)
    const isRecreate = strategy?.type === 'Recreate'
    const wanted = isRecreate && podsOf(old).length > 0 ? 0 : replicas
    if (current.length === 0) createSet(object, hash, wanted)
    scaleAll(current, wanted)
    if (isRecreate || podsOf(current).filter(isReady).length >= replicas) scaleAll(old, 0)
  }

  function scaleAll(sets: readonly KubeObject[], replicas: number): void {
    for (const set of sets) scale(set, replicas)
  }

  function createSet(owner: KubeObject, hash: string, replicas: number): void {
    const { template, selector } = specOf(owner)
    const labels = { ...template.metadata?.labels, [HASH]: hash }
    create('ReplicaSet', owner, `${owner.metadata.name}-${hash}`, labels, {
      replicas,
      selector: { matchLabels: { ...selector.matchLabels, [HASH]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    })
  }

  function scale(set: KubeObject, replicas: number): void {
    if (!isAlive(set) || specOf(set).replicas === replicas) return
    const { namespace, name } = set.metadata
    resources.change(replicaSets, namespace, name, MANAGER, (live) => ({
      ...(live as KubeObject),
      spec: { ...specOf(set), replicas },
    }))
  }

  function replicaSet(set: KubeObject): void {
    const { replicas, template } = specOf(set)
    const all = owned(set, 'Pod')
    const alive = all.filter((pod) => isAlive(pod) && !isOver(pod))
    if (isAlive(set)) {
      for (let n = alive.length; n < replicas; n++) {
        create('Pod', set, `${set.metadata.name}-${randomName(5)}`, template.metadata?.labels ?? {}, template.spec)
      }
      for (const pod of alive.slice(replicas)) resources.remove(pods, pod.metadata.namespace, pod.metadata.name)
    }
    report(set, {
      replicas: alive.length,
      readyReplicas: alive.filter(isReady).length,
      observedGeneration: set.metadata.generation,
    })
    for (const { uid } of set.metadata.ownerReferences ?? []) look(uid)
  }

  function create(
    kind: 'ReplicaSet' | 'Pod',
    owner: KubeObject,
    name: string,
    labels: Record<string, string>,
    spec: unknown,
  ): void {
    const apiVersion = kind === 'Pod' ? 'v1' : 'apps/v1'
    const metadata = { name, labels, ownerReferences: [controllerRef(owner)] }
    try {
      resources.create(kindNamed(kind), owner.metadata.namespace, { apiVersion, kind, metadata, spec }, MANAGER)
    } catch {
      // Its namespace goes, or a former set of this name still terminates: the next change brings us back.
    }
  }

  function report(object: KubeObject, status: object): void {
    const live = store.byUid(object.metadata.uid)
    if (live && !equal(live['status'], status)) resources.write({ ...live, status })
  }

  const stop = store.onChange(({ kind, object }) => {
    look(object.metadata.uid)
    if (kind.kind === 'Deployment') return
    for (const { uid, controller } of object.metadata.ownerReferences ?? []) if (controller) look(uid)
  })
  return () => {
    stop()
    stopQueue()
  }
}

function deploymentStatus(object: KubeObject, current: readonly KubeObject[], old: readonly KubeObject[]) {
  const wanted = specOf(object).replicas
  const ready = [...current, ...old].filter(isReady).length
  const available = ready >= wanted
  return {
    observedGeneration: object.metadata.generation,
    replicas: current.length + old.length,
    updatedReplicas: current.length,
    ...(ready > 0 ? { readyReplicas: ready, availableReplicas: ready } : {}),
    ...(available ? {} : { unavailableReplicas: wanted - ready }),
    conditions: [
      {
        type: 'Available',
        status: available ? 'True' : 'False',
        reason: available ? 'MinimumReplicasAvailable' : 'MinimumReplicasUnavailable',
      },
      {
        type: 'Progressing',
        status: 'True',
        reason: current.some(isReady) ? 'NewReplicaSetAvailable' : 'ReplicaSetUpdated',
      },
    ],
  }
}

const hashOf = (template: unknown): string =>
  lettersOf(createHash('sha256').update(JSON.stringify(template)).digest().subarray(0, 9))
