/** What of an object's metadata matters to us. */
import type { V1ObjectMeta } from '@kubernetes/client-node/dist/gen/models/V1ObjectMeta.js'
import type { ObjectMeta, OwnedKind } from '../../po/ports/cluster.ts'

export interface Metadata {
  readonly metadata: V1ObjectMeta
}

export const metaOf = ({ metadata }: Metadata): Omit<ObjectMeta, 'kind'> => ({
  name: metadata.name ?? '',
  uid: metadata.uid ?? '',
  labels: metadata.labels ?? {},
  createdAt: new Date(metadata.creationTimestamp ?? 0),
  deleting: metadata.deletionTimestamp !== undefined,
  owners: (metadata.ownerReferences ?? []).map(({ kind, name, uid }) => ({ kind, name, uid })),
})

export const objectMeta = (kind: OwnedKind, object: Metadata): ObjectMeta => ({ kind, ...metaOf(object) })
