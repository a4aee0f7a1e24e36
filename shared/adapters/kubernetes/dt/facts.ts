/** Reduces objects of the API to the facts that the Cluster port of DT returns. */
import type { V1ContainerState } from '@kubernetes/client-node/dist/gen/models/V1ContainerState.js'
import type { V1ContainerStatus } from '@kubernetes/client-node/dist/gen/models/V1ContainerStatus.js'
import type { V1Deployment } from '@kubernetes/client-node/dist/gen/models/V1Deployment.js'
import type { V1DeploymentCondition } from '@kubernetes/client-node/dist/gen/models/V1DeploymentCondition.js'
import type { V1Job } from '@kubernetes/client-node/dist/gen/models/V1Job.js'
import type { V1ObjectMeta } from '@kubernetes/client-node/dist/gen/models/V1ObjectMeta.js'
import type { V1Pod } from '@kubernetes/client-node/dist/gen/models/V1Pod.js'
import type {
  DtContainerFacts,
  DtPodFacts,
  JobFacts,
  Resource,
  ServerFacts,
  Termination,
} from '../../../dt/ports/cluster.ts'
import { identityOf, podStatus } from '../metadata.ts'

type Fields = Readonly<Record<string, unknown>>

export interface AnalyticsObject {
  readonly metadata: V1ObjectMeta
  readonly spec?: Fields
  readonly status?: Fields
}

interface KnativeServiceObject {
  readonly metadata: V1ObjectMeta
  readonly status?: {
    readonly url?: string
    readonly conditions?: readonly Pick<V1DeploymentCondition, 'type' | 'status' | 'reason' | 'message'>[]
  }
}

const dateOf = (time: unknown): Date | null =>
  typeof time === 'string' || time instanceof Date ? new Date(time) : null

export const resourceFacts = ({ metadata, spec, status }: AnalyticsObject): Resource => ({
  ...identityOf(metadata),
  generation: metadata.generation ?? 0,
  finalizers: metadata.finalizers ?? [],
  spec: spec ?? {},
  status: status ?? {},
})

/** `0-2,4` → 0, 1, 2, 4. */
const indexesOf = (text: string | undefined): number[] =>
  (text ?? '')
    .split(',')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [from = 0, to = from] = part.split('-').map(Number)
      return Array.from({ length: to - from + 1 }, (_, at) => from + at)
    })

function endOf({ status }: V1Job): JobFacts['ended'] {
  const last = status?.conditions?.find(
    ({ type, status: holds }) => /^(Complete|Failed)$/.test(type) && holds === 'True',
  )
  if (!last) return null
  return { outcome: last.type === 'Complete' ? 'complete' : 'failed', reason: words(last) ?? '' }
}

export const jobFacts = (job: V1Job): JobFacts => {
  const { metadata, spec, status } = job
  return {
    ...identityOf(metadata),
    suspended: spec?.suspend ?? false,
    completions: spec?.completions ?? 1,
    parallelism: spec?.parallelism ?? 1,
    active: status?.active ?? 0,
    succeeded: status?.succeeded ?? 0,
    failed: status?.failed ?? 0,
    completedIndexes: indexesOf(status?.completedIndexes),
    failedIndexes: indexesOf(status?.failedIndexes),
    ttlSeconds: spec?.ttlSecondsAfterFinished ?? null,
    ended: endOf(job),
  }
}

const terminationOf = (state: V1ContainerState | undefined): Termination | null => {
  const end = state?.terminated
  if (!end) return null
  return {
    reason: end.reason ?? '',
    exitCode: end.exitCode,
    message: end.message ?? '',
    startedAt: dateOf(end.startedAt),
    endedAt: dateOf(end.finishedAt),
  }
}

function containerFacts({ name, state }: V1ContainerStatus): DtContainerFacts {
  const { waiting, running } = state ?? {}
  return {
    name,
    running: running !== undefined,
    startedAt: dateOf(running?.startedAt),
    waiting: waiting ? { reason: waiting.reason ?? '', message: waiting.message ?? '' } : null,
    terminated: terminationOf(state),
  }
}

export const dtPodFacts = (pod: V1Pod): DtPodFacts => ({
  ...podStatus(pod),
  annotations: pod.metadata?.annotations ?? {},
  takenAt: dateOf(pod.status?.startTime),
  containers: (pod.status?.containerStatuses ?? []).map(containerFacts),
  initContainers: (pod.status?.initContainerStatuses ?? []).map(containerFacts),
})

const words = ({ reason, message }: { readonly reason?: string; readonly message?: string }): string | null =>
  [reason, message].filter(Boolean).join(': ') || null

export function knativeServerFacts({ metadata, status }: KnativeServiceObject): ServerFacts {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready')
  const known = ready && ready.status !== 'Unknown'
  return {
    name: metadata.name ?? '',
    labels: metadata.labels ?? {},
    ready: known ? ready.status === 'True' : null,
    reason: known && ready.status === 'False' ? words(ready) : null,
    url: status?.url ?? null,
  }
}

/** If no pod becomes ready, the condition `Progressing` becomes False after the progress deadline. */
export function deploymentFacts({ metadata = {}, status }: V1Deployment): ServerFacts {
  const progress = status?.conditions?.find(({ type }) => type === 'Progressing')
  const failed = progress?.status === 'False'
  return {
    name: metadata.name ?? '',
    labels: metadata.labels ?? {},
    ready: (status?.readyReplicas ?? 0) > 0 ? true : failed ? false : null,
    reason: failed ? words(progress) : null,
    url: null,
  }
}
