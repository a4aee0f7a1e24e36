/** Facts about objects and pods that the Cluster ports of PO and DT share. */
import type { V1ObjectMeta } from '@kubernetes/client-node/dist/gen/models/V1ObjectMeta.js'
import type { V1Pod } from '@kubernetes/client-node/dist/gen/models/V1Pod.js'
import type { ObjectMeta, OwnedKind } from '../../po/ports/cluster.ts'

export interface Metadata {
  readonly metadata: V1ObjectMeta
}

export const identityOf = (metadata: V1ObjectMeta = {}) => ({
  name: metadata.name ?? '',
  uid: metadata.uid ?? '',
  labels: metadata.labels ?? {},
  createdAt: new Date(metadata.creationTimestamp ?? 0),
  deleting: metadata.deletionTimestamp !== undefined,
})

export const metaOf = ({ metadata }: Metadata): Omit<ObjectMeta, 'kind'> => ({
  ...identityOf(metadata),
  owners: (metadata.ownerReferences ?? []).map(({ kind, name, uid }) => ({ kind, name, uid })),
})

export const objectMeta = (kind: OwnedKind, object: Metadata): ObjectMeta => ({ kind, ...metaOf(object) })

/** Everything about a pod except its containers. */
export function podStatus({ metadata, status }: V1Pod) {
  const { uid: _, ...identity } = identityOf(metadata)
  const condition = (type: string) => status?.conditions?.find((one) => one.type === type)
  const scheduled = condition('PodScheduled')
  return {
    ...identity,
    phase: status?.phase ?? 'Unknown',
    reason: status?.reason ?? null,
    message: status?.message ?? null,
    ready: condition('Ready')?.status === 'True',
    unschedulable:
      scheduled?.status === 'False' && scheduled.reason === 'Unschedulable' ? (scheduled.message ?? '') : null,
  }
}
