/** What of a pod matters to us, out of the whole object. */
import type { V1ContainerStatus } from '@kubernetes/client-node/dist/gen/models/V1ContainerStatus.js'
import type { V1Pod } from '@kubernetes/client-node/dist/gen/models/V1Pod.js'
import type { PoContainerFacts, PoPodFacts } from '../../../po/ports/cluster.ts'

export function podFacts(pod: V1Pod): PoPodFacts {
  const { metadata, status } = pod
  const condition = (type: string) => status?.conditions?.find((one) => one.type === type)
  const scheduled = condition('PodScheduled')
  return {
    name: metadata?.name ?? '',
    labels: metadata?.labels ?? {},
    phase: status?.phase ?? 'Unknown',
    reason: status?.reason ?? null,
    message: status?.message ?? null,
    ip: status?.podIP ?? null,
    ready: condition('Ready')?.status === 'True',
    deleting: metadata?.deletionTimestamp !== undefined,
    createdAt: new Date(metadata?.creationTimestamp ?? 0),
    unschedulable:
      scheduled?.status === 'False' && scheduled.reason === 'Unschedulable' ? (scheduled.message ?? '') : null,
    containers: (status?.containerStatuses ?? []).map(containerFacts),
  }
}

function containerFacts(status: V1ContainerStatus): PoContainerFacts {
  const { waiting, running } = status.state ?? {}
  return {
    name: status.name,
    ready: status.ready,
    restarts: status.restartCount,
    running: running !== undefined,
    waiting: waiting ? { reason: waiting.reason ?? '', message: waiting.message ?? '' } : null,
    terminated: ending(status.state),
    lastTerminated: ending(status.lastState),
  }
}

function ending(state: V1ContainerStatus['state']): PoContainerFacts['terminated'] {
  const end = state?.terminated
  return end ? { reason: end.reason ?? '', exitCode: end.exitCode, message: end.message ?? '' } : null
}
