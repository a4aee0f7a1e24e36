/** Reduces pods of the API to the facts that the Cluster port of PO returns. */
import type { V1ContainerStatus } from '@kubernetes/client-node/dist/gen/models/V1ContainerStatus.js'
import type { V1Pod } from '@kubernetes/client-node/dist/gen/models/V1Pod.js'
import { PROOF_CONTAINER } from '../../../platform/isolation.ts'
import type { PoContainerFacts, PoPodFacts } from '../../../po/ports/cluster.ts'
import { podStatus } from '../metadata.ts'

export const poPodFacts = (pod: V1Pod): PoPodFacts => ({
  ...podStatus(pod),
  ip: pod.status?.podIP ?? null,
  containers: (pod.status?.containerStatuses ?? []).filter(({ name }) => name !== PROOF_CONTAINER).map(containerFacts),
  proof: proofOf(pod),
})

function proofOf({ status }: V1Pod): PoPodFacts['proof'] {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  const one = all.find(({ name }) => name === PROOF_CONTAINER)
  const end = one && (terminationOf(one.state) ?? terminationOf(one.lastState))
  return end ? { exitCode: end.exitCode, message: end.message } : null
}

function containerFacts(status: V1ContainerStatus): PoContainerFacts {
  const { waiting, running } = status.state ?? {}
  return {
    name: status.name,
    ready: status.ready,
    restarts: status.restartCount,
    running: running !== undefined,
    waiting: waiting ? { reason: waiting.reason ?? '', message: waiting.message ?? '' } : null,
    terminated: terminationOf(status.state),
    lastTerminated: terminationOf(status.lastState),
  }
}

function terminationOf(state: V1ContainerStatus['state']): PoContainerFacts['terminated'] {
  const end = state?.terminated
  return end ? { reason: end.reason ?? '', exitCode: end.exitCode, message: end.message ?? '' } : null
}
