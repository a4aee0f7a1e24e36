/**
 * A model of Kubernetes behind the Cluster port: objects, the garbage collector, Deployments and their pods, all with delays.
 * It behaves as observed on a real cluster; where that is not deterministic, chance decides.
 */

import type { KubernetesObject } from '../../../shared/platform/ports.ts'
import type { Peer, PeerService, PoCluster, RemovableKind, SecretMeta } from '../../../shared/po/ports/cluster.ts'
import type { Random } from '../core/random.ts'
import type { Timeline } from '../core/timeline.ts'
import { controllersStep, podLabels } from './controllers.ts'
import { createKubelet, type Exit, type KubeletDeps } from './kubelet.ts'
import { fits, keyOf, labelsOf, type Namespace, type Pod, podFacts, type Thing, templateOf } from './objects.ts'

export interface ClusterWatch {
  readonly thingMade: (thing: Thing) => void
  readonly podMade: (pod: Pod) => void
  readonly thingGone: (thing: Thing) => void
}

export interface ModelOptions
  extends Pick<KubeletDeps, 'namespace' | 'timeline' | 'random' | 'trouble' | 'troubled' | 'started' | 'gone'> {
  readonly watch: ClusterWatch
  /** Longest delay of a controller's step. */
  readonly slowestMs: () => number
}

export interface ClusterModel {
  readonly cluster: PoCluster
  readonly namespace: Namespace
  /** Actions of other users of the cluster. */
  readonly remove: (kind: RemovableKind, name: string, how: 'foreground' | 'background') => boolean
  readonly putBack: (object: KubernetesObject) => void
  readonly endPod: (pod: Pod) => void
  readonly exit: (pod: Pod, exit: Exit) => void
}

const selector = (component: string) => ({ component })
const peer = (name: string, port: number): PeerService => ({ name, port, targetPort: port, selector: selector(name) })
const ALL_PEERS: Readonly<Record<Peer, PeerService>> = {
  broker: peer('node-message-broker', 80),
  storage: peer('node-storage-service', 8080),
  adapter: peer('hub-adapter-service', 5000),
  kong: peer('kong-proxy', 80),
  orchestrator: peer('po-service', 8000),
}

const metaOf = (thing: Thing): SecretMeta => {
  const { name, uid, createdAt, deleting } = thing
  const owners = thing.object.metadata.ownerReferences ?? []
  return { name, uid, labels: labelsOf(thing), createdAt, deleting, owners }
}

export function createClusterModel(options: ModelOptions): ClusterModel {
  const { namespace, timeline, random, watch, slowestMs } = options
  let uids = 0
  const uid = (): string => {
    uids += 1
    return `uid-${uids}`
  }

  let isDue = false
  const changed = (): void => {
    if (isDue) return
    isDue = true
    timeline.after(random.skewed(5, slowestMs()), () => {
      isDue = false
      if (controllersStep({ namespace, erase, endPod: kubelet.end, makePod })) changed()
    })
  }
  const kubelet = createKubelet({ ...options, changed })

  const erase = (thing: Thing): void => {
    namespace.things.delete(keyOf(thing.kind, thing.name))
    watch.thingGone(thing)
    changed()
  }

  const makePod = (owner: Thing): void => {
    const pod = newPod(owner, uid(), timeline, random)
    namespace.pods.set(pod.name, pod)
    watch.podMade(pod)
    kubelet.admit(pod)
  }

  const startDeleting = (kind: RemovableKind, name: string): boolean => {
    const thing = namespace.things.get(keyOf(kind, name))
    if (!thing) return false
    thing.deleting = true
    changed()
    return true
  }

  const put = (object: KubernetesObject): { thing: Thing; isNew: boolean } => {
    const key = keyOf(object.kind, object.metadata.name)
    const known = namespace.things.get(key)
    changed()
    if (known) {
      known.object = object
      return { thing: known, isNew: false }
    }
    const kind = object.kind as RemovableKind
    const thing = { kind, name: object.metadata.name, uid: uid(), createdAt: timeline.now(), object, deleting: false }
    namespace.things.set(key, thing)
    return { thing, isNew: true }
  }

  const cluster: PoCluster = {
    namespace: 'simulated',
    apply: async (object) => {
      const { thing, isNew } = put(object)
      if (isNew) watch.thingMade(thing)
      return { uid: thing.uid }
    },
    find: async (kind, name) => {
      const thing = namespace.things.get(keyOf(kind, name))
      return thing && { kind, ...metaOf(thing) }
    },
    patchSecret: async (name, entries) => {
      const secret = namespace.things.get(keyOf('Secret', name))
      if (!secret) return undefined
      const coded = Object.entries(entries).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
      const data = { ...(secret.object['data'] as object), ...Object.fromEntries(coded) }
      secret.object = { ...secret.object, data }
      return metaOf(secret)
    },
    list: async (kind, labels) =>
      [...namespace.things.values()]
        .filter((thing) => thing.kind === kind && fits(labelsOf(thing), labels))
        .map((thing) => ({ kind, ...metaOf(thing) })),
    pods: async (labels) => [...namespace.pods.values()].filter((pod) => fits(pod.labels, labels)).map(podFacts),
    remove: async (kind, name) => startDeleting(kind, name),
    removePod: async (name) => {
      const pod = namespace.pods.get(name)
      if (pod) kubelet.end(pod)
      return pod !== undefined
    },
    log: async (name, container) => {
      const pod = namespace.pods.get(name)
      if (pod?.container !== container || (!pod.isRunning && !pod.lastTerminated)) return undefined
      return { text: [`log of ${container}\n`], leftOut: 0 }
    },
    peers: async () => ALL_PEERS,
  }

  return {
    cluster,
    namespace,
    remove: (kind, name, how) => {
      const thing = namespace.things.get(keyOf(kind, name))
      if (thing && how === 'background') erase(thing)
      return how === 'background' ? thing !== undefined : startDeleting(kind, name)
    },
    putBack: put,
    endPod: kubelet.end,
    exit: kubelet.exit,
  }
}

function newPod(owner: Thing, uid: string, timeline: Timeline, random: Random): Pod {
  const [container] = templateOf(owner).spec.containers
  const suffix = random.whole(36 ** 4, 36 ** 5 - 1).toString(36)
  return {
    name: `${owner.name}-${owner.uid.replace('uid-', '')}-${suffix}`,
    uid,
    owner,
    createdAt: timeline.now(),
    labels: podLabels(owner),
    container: container?.name ?? '',
    ip: `10.0.${random.whole(0, 255)}.${random.whole(1, 254)}`,
    phase: 'Pending',
    reason: null,
    unschedulable: null,
    ready: false,
    deleting: false,
    restarts: 0,
    waiting: null,
    terminated: null,
    lastTerminated: null,
    isRunning: false,
  }
}
