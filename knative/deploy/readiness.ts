/** Decides whether an applied object is ready, and if not, takes the reason from its status. Pure. */
import type { V1 } from '../../shared/platform/objects.ts'
import type { Condition, DeployedObject } from './objects.ts'

export type Readiness =
  | { readonly state: 'ready' }
  /** It may still become ready. */
  | { readonly state: 'waiting'; readonly why: string }
  /** It will not become ready without a change. */
  | { readonly state: 'failed'; readonly why: string }

const READY: Readiness = { state: 'ready' }
const waiting = (why: string): Readiness => ({ state: 'waiting', why })

const conditionsOf = ({ status }: DeployedObject): readonly Condition[] => status?.conditions ?? []
const find = (object: DeployedObject, type: string) => conditionsOf(object).find((condition) => condition.type === type)
const messageOf = ({ type, reason, message }: Condition): string => message || reason || `${type} is not true yet`

/** Whether its controller has observed the last applied generation. */
const isObserved = ({ metadata, status }: DeployedObject): boolean =>
  metadata.generation === undefined || (status?.observedGeneration ?? 0) >= metadata.generation

/** Knative's `Ready` condition sums up the others; the first one that is false has the reason. */
function ofKnative(object: DeployedObject): Readiness {
  const ready = find(object, 'Ready')
  if (!isObserved(object) || !ready) return waiting('not looked at yet')
  if (ready.status === 'True') return READY
  const broken = conditionsOf(object).find(({ status }) => status === 'False') ?? ready
  return waiting(messageOf(broken))
}

function ofDeployment(object: DeployedObject): Readiness {
  const wanted = (object.spec as { readonly replicas?: number } | undefined)?.replicas ?? 1
  const status: V1<'DeploymentStatus'> = object.status ?? {}
  const { replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status
  if (!isObserved(object)) return waiting('not looked at yet')
  if (updatedReplicas >= wanted && replicas === updatedReplicas && availableReplicas >= wanted) return READY
  const stuck = conditionsOf(object).find(({ type, status }) => type === 'Progressing' && status === 'False')
  return waiting(
    stuck ? messageOf(stuck) : `${Math.min(availableReplicas, updatedReplicas)} of ${wanted} pods are available`,
  )
}

function ofJob(object: DeployedObject): Readiness {
  if (find(object, 'Complete')?.status === 'True') return READY
  const failed = find(object, 'Failed')
  if (failed?.status === 'True') return { state: 'failed', why: messageOf(failed) }
  const tries = (object.status as { readonly failed?: number } | undefined)?.failed ?? 0
  return waiting(tries > 0 ? `${tries} tries have failed` : 'not ended yet')
}

function ofHttpRoute(object: DeployedObject): Readiness {
  const parents = (object.status?.['parents'] ?? []) as readonly { readonly conditions?: readonly Condition[] }[]
  const refused = parents.flatMap(({ conditions = [] }) => conditions).find(({ status }) => status === 'False')
  if (refused) return waiting(messageOf(refused))
  return parents.length > 0 ? READY : waiting('no Gateway has taken it yet')
}

const BY_KIND: Readonly<Record<string, (object: DeployedObject) => Readiness>> = {
  Deployment: ofDeployment,
  Job: ofJob,
  HTTPRoute: ofHttpRoute,
}

/** Kinds outside Knative and `BY_KIND` are ready as soon as they exist. */
export function readinessOf(object: DeployedObject): Readiness {
  const ofKind = BY_KIND[object.kind]
  if (ofKind) return ofKind(object)
  return object.apiVersion.includes('knative.dev/') ? ofKnative(object) : READY
}

const PROGRESSING = ['ContainerCreating', 'PodInitializing']

function ofContainer({ name, state, lastState }: V1<'ContainerStatus'>): string | undefined {
  const { waiting, terminated } = state ?? {}
  const ended = terminated ?? lastState?.terminated
  const last =
    ended && ended.exitCode !== 0 ? (ended.message?.trim().split('\n').at(-1) ?? `exit code ${ended.exitCode}`) : ''
  if (waiting?.reason && !PROGRESSING.includes(waiting.reason)) {
    return `${name}: ${waiting.reason}${last || waiting.message ? `: ${last || waiting.message}` : ''}`
  }
  return last ? `${name}: ${last}` : undefined
}

/** Why the containers of a pod do not run, if its status has a reason. */
export function podTrouble(pod: DeployedObject): string | undefined {
  const { initContainerStatuses = [], containerStatuses = [] } = (pod.status ?? {}) as V1<'PodStatus'>
  const scheduled = find(pod, 'PodScheduled')
  if (scheduled?.status === 'False') return messageOf(scheduled)
  for (const status of [...initContainerStatuses, ...containerStatuses]) {
    const trouble = ofContainer(status)
    if (trouble) return trouble
  }
  return undefined
}

const REVISION = 'deployment.kubernetes.io/revision'

const isOwnedBy = ({ metadata }: DeployedObject, uid: string | undefined): boolean =>
  uid !== undefined && (metadata.ownerReferences ?? []).some((owner) => owner.controller === true && owner.uid === uid)

/** Whether a pod was created from the current generation of its owner. */
function isCurrent(owner: DeployedObject, found: readonly DeployedObject[]): (pod: DeployedObject) => boolean {
  const { uid, annotations } = owner.metadata
  if (owner.kind === 'Job') return (pod) => isOwnedBy(pod, uid)
  if (!isObserved(owner)) return () => false
  if (owner.kind === 'Deployment') {
    const revision = annotations?.[REVISION]
    const current = found.find(
      (one) => one.kind === 'ReplicaSet' && isOwnedBy(one, uid) && one.metadata.annotations?.[REVISION] === revision,
    )
    return (pod) => isOwnedBy(pod, current?.metadata.uid)
  }
  const revision = owner.status?.['latestCreatedRevisionName']
  return (pod) => revision !== undefined && pod.metadata.labels?.['serving.knative.dev/revision'] === revision
}

/** The pods of the last applied generation; the faults of an earlier rollout do not count. */
export function currentPods(owner: DeployedObject, found: readonly DeployedObject[]): readonly DeployedObject[] {
  const current = isCurrent(owner, found)
  return found.filter((one) => one.kind === 'Pod' && one.metadata.deletionTimestamp === undefined && current(one))
}
