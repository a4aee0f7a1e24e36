/** Kubernetes, as the use cases see it. */
import type { KubernetesObject, OwnerReference } from '../../platform/ports.ts'
import type { LogTail } from './logs.ts'

/**
 * The kinds of a run's objects, except its Secret, which the loop may not read. ConfigMaps come first, because roots are among
 * them.
 */
export const OWNED_KINDS = ['ConfigMap', 'NetworkPolicy', 'Service', 'Deployment'] as const

export type OwnedKind = (typeof OWNED_KINDS)[number]

/** Secrets are never found or listed; those of version 0.1 are removed. */
export type RemovableKind = OwnedKind | 'Secret'

export interface ObjectMeta {
  readonly kind: OwnedKind
  readonly name: string
  readonly uid: string
  readonly labels: Readonly<Record<string, string>>
  readonly createdAt: Date
  /** A foreground deletion is under way. */
  readonly deleting: boolean
  readonly owners: readonly Pick<OwnerReference, 'kind' | 'name' | 'uid'>[]
}

export type SecretMeta = Omit<ObjectMeta, 'kind'>

export interface PoContainerFacts {
  readonly name: string
  /** `sha256:` and 64 hexadecimal digits; null if the kubelet reports none. */
  readonly imageDigest: string | null
  readonly ready: boolean
  readonly restarts: number
  readonly running: boolean
  readonly waiting: { readonly reason: string; readonly message: string } | null
  readonly terminated: { readonly reason: string; readonly exitCode: number; readonly message: string } | null
  /** How the container ended before its last restart. */
  readonly lastTerminated: { readonly reason: string; readonly exitCode: number; readonly message: string } | null
}

export interface PoPodFacts {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly phase: string
  /** Pod-level reason, such as `Evicted`. */
  readonly reason: string | null
  readonly message: string | null
  readonly ip: string | null
  readonly ready: boolean
  readonly deleting: boolean
  readonly createdAt: Date
  /** Why the scheduler could not place it. */
  readonly unschedulable: string | null
  readonly containers: readonly PoContainerFacts[]
  /** How its proof of isolation ended last; null while there is none. */
  readonly proof: { readonly exitCode: number; readonly message: string } | null
  /** Why the container of the proof does not run; null if it runs, has ended, or does not exist. */
  readonly proofWaiting: PoContainerFacts['waiting']
}

/** A Service that a run's proxy and policies refer to. */
export interface PeerService {
  readonly name: string
  readonly port: number
  /** Port of its pods, a number or the name of a container port. */
  readonly targetPort: number | string
  readonly selector: Readonly<Record<string, string>>
}

export const PEERS = ['broker', 'storage', 'adapter', 'kong', 'orchestrator'] as const

export type Peer = (typeof PEERS)[number]

/** Labels that must all match; undefined matches any value of a label that exists. */
export type LabelQuery = Readonly<Record<string, string | undefined>>

export interface PoCluster {
  readonly namespace: string
  /** Server-side apply with our field manager, forcing conflicts. One write. Resolves to the object's uid. */
  apply(object: KubernetesObject): Promise<{ uid: string }>
  find(kind: OwnedKind, name: string): Promise<ObjectMeta | undefined>
  /** Merges entries into an existing Secret and resolves to its metadata; undefined when there is no such Secret. */
  patchSecret(name: string, entries: Readonly<Record<string, string>>): Promise<SecretMeta | undefined>
  /** Metadata of all objects with these labels, in pages of 5,000. */
  list(kind: OwnedKind, labels: LabelQuery): Promise<ObjectMeta[]>
  /** Pods with these labels, in pages of 500. */
  pods(labels: LabelQuery): Promise<PoPodFacts[]>
  /** Requests a foreground deletion and does not wait for dependents; false when there is no such object. */
  remove(kind: RemovableKind, name: string): Promise<boolean>
  /** Deletes a pod, which its owner replaces; false when there is none. */
  removePod(name: string): Promise<boolean>
  /** Last bytes of a container's log; undefined when the pod or the container has none. */
  log(pod: string, container: string, limitBytes: number): Promise<LogTail | undefined>
  /** The Services that runs need, as far as the namespace has them. */
  peers(): Promise<Partial<Record<Peer, PeerService>>>
}
