/** The objects and pods of a namespace, with the fields that a run depends on. */

import type { KubernetesObject } from '../../../shared/platform/ports.ts'
import type { LabelQuery, PoContainerFacts, PoPodFacts, RemovableKind } from '../../../shared/po/ports/cluster.ts'

export interface Thing {
  readonly kind: RemovableKind
  readonly name: string
  readonly uid: string
  readonly createdAt: Date
  object: KubernetesObject
  /** It is in foreground deletion. */
  deleting: boolean
}

export interface Pod {
  readonly name: string
  readonly uid: string
  readonly createdAt: Date
  /** The Deployment that owns it. */
  readonly owner: Thing
  readonly labels: Readonly<Record<string, string>>
  readonly container: string
  readonly ip: string
  phase: 'Pending' | 'Running' | 'Failed'
  reason: string | null
  unschedulable: string | null
  ready: boolean
  deleting: boolean
  restarts: number
  waiting: PoContainerFacts['waiting']
  terminated: PoContainerFacts['terminated']
  lastTerminated: PoContainerFacts['lastTerminated']
  isRunning: boolean
}

export interface Namespace {
  /** By kind and name. */
  readonly things: Map<string, Thing>
  readonly pods: Map<string, Pod>
}

export const keyOf = (kind: string, name: string): string => `${kind}/${name}`

type Labels = Readonly<Record<string, string>>
export const labelsOf = ({ object }: Thing): Labels => object.metadata.labels ?? {}
export const ownersOf = ({ object }: Thing) => object.metadata.ownerReferences ?? []

export const fits = (labels: Labels, query: LabelQuery): boolean =>
  Object.entries(query).every(([name, value]) => (value === undefined ? name in labels : labels[name] === value))

interface DeploymentSpec {
  readonly template: {
    readonly metadata: { readonly labels: Labels }
    readonly spec: PodSpec
  }
}
export interface PodSpec {
  readonly terminationGracePeriodSeconds?: number
  readonly imagePullSecrets?: readonly { readonly name: string }[]
  readonly containers: readonly {
    readonly name: string
    readonly env?: readonly { readonly valueFrom?: { readonly secretKeyRef: { name: string; key: string } } }[]
  }[]
  readonly volumes?: readonly { readonly configMap?: { readonly name: string } }[]
}

export const templateOf = ({ object }: Thing): DeploymentSpec['template'] => (object['spec'] as DeploymentSpec).template

export const isThere = ({ things }: Namespace, kind: RemovableKind, uid: string): boolean =>
  things.values().some((thing) => thing.kind === kind && thing.uid === uid)

/** Whether it or one of its owners is being deleted or gone. */
export function isEnding(namespace: Namespace, thing: Thing): boolean {
  const present = namespace.things.get(keyOf(thing.kind, thing.name))
  if (present?.uid !== thing.uid || thing.deleting) return true
  return ownersOf(thing).some(({ kind, name, uid }) => {
    const owner = namespace.things.get(keyOf(kind, name))
    return owner?.uid !== uid || isEnding(namespace, owner)
  })
}

export const isPodEnding = (namespace: Namespace, pod: Pod): boolean =>
  pod.deleting || pod.phase === 'Failed' || isEnding(namespace, pod.owner)

export function podFacts(pod: Pod): PoPodFacts {
  const { name, labels, phase, reason, ready, deleting, createdAt, unschedulable, ip } = pod
  const { container, restarts, isRunning: running, waiting, terminated, lastTerminated } = pod
  const main = { name: container, imageDigest: null, ready, restarts, running, waiting, terminated, lastTerminated }
  const placed = phase !== 'Pending' || unschedulable === null
  const containers = placed ? [main] : []
  const address = phase === 'Running' ? ip : null
  return {
    name,
    labels,
    phase,
    reason,
    message: null,
    ip: address,
    ready,
    deleting,
    createdAt,
    unschedulable,
    containers,
    proof: null,
    proofWaiting: null,
  }
}
