/** Reduces pods of the API to the facts that the Cluster port of PO returns. */
import type { V1ContainerStatus } from '@kubernetes/client-node/dist/gen/models/V1ContainerStatus.js'
import type { V1Pod } from '@kubernetes/client-node/dist/gen/models/V1Pod.js'
import { PROOF_CONTAINER } from '../../../platform/isolation.ts'
import type { PoContainerFacts, PoPodFacts } from '../../../po/ports/cluster.ts'
import { podStatus } from '../metadata.ts'

export function poPodFacts(pod: V1Pod): PoPodFacts {
  const { status } = pod
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])]
  const proof = all.find(isProof)
  return {
    ...podStatus(pod),
    ip: status?.podIP ?? null,
    containers: (status?.containerStatuses ?? []).filter((one) => !isProof(one)).map(containerFacts),
    proof: proof ? (terminationOf(proof.state) ?? terminationOf(proof.lastState)) : null,
    proofWaiting: proof ? containerFacts(proof).waiting : null,
  }
}

const isProof = ({ name }: V1ContainerStatus): boolean => name === PROOF_CONTAINER

/** An image ID is a digest, or a name and a digest. */
const DIGEST = /sha256:[0-9a-f]{64}$/

function containerFacts(status: V1ContainerStatus): PoContainerFacts {
  const { waiting, running } = status.state ?? {}
  return {
    name: status.name,
    imageDigest: DIGEST.exec(status.imageID)?.[0] ?? null,
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
