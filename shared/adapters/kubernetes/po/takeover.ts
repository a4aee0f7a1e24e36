/** The Takeover port: objects of others are marked as ours, and nothing of their specs is touched. */
import { FIELD_MANAGER } from '../../../po/names.ts'
import type { Takeover } from '../../../po/ports.ts'
import { callJson, METADATA, METADATA_LIST } from '../api.ts'
import type { Connection } from '../connection.ts'
import { pathOf, selectorOf } from '../kinds.ts'
import { listAll } from '../list.ts'
import { type Metadata, metaOf } from '../metadata.ts'

/** Deletion options go in the body: the query has no place for a uid. */
const deletion = (propagationPolicy: 'Orphan' | 'Background', uid?: string) => ({
  method: 'DELETE' as const,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ propagationPolicy, ...(uid ? { preconditions: { uid } } : {}) }),
})

export function createTakeover(connection: Connection): Takeover {
  const { namespace } = connection
  return {
    async mark(kind, name, { labels, owner }) {
      const metadata = { labels, ...(owner ? { ownerReferences: [owner] } : {}) }
      const request = {
        method: 'PATCH',
        path: `${pathOf(namespace, kind, name)}?fieldManager=${FIELD_MANAGER}`,
        headers: { 'content-type': 'application/merge-patch+json', accept: METADATA },
        body: JSON.stringify({ metadata }),
      } as const
      return (await callJson<Metadata>(connection, { verb: 'patch', kind, name }, request, 404))?.metadata.uid
    },

    replicaSets: (labels) =>
      listAll(connection, {
        subject: { verb: 'list', kind: 'ReplicaSet' },
        path: pathOf(namespace, 'ReplicaSet'),
        selector: selectorOf(labels),
        accept: METADATA_LIST,
        pageSize: connection.metadataPageSize,
        pick: (item: Metadata) => metaOf(item),
      }),

    async orphan(name, uid) {
      const request = { path: pathOf(namespace, 'Deployment', name), ...deletion('Orphan', uid) }
      // 409: it is another one by now.
      return (await callJson(connection, { verb: 'delete', kind: 'Deployment', name }, request, 404, 409)) !== undefined
    },

    async removeReplicaSet(name) {
      const request = { path: pathOf(namespace, 'ReplicaSet', name), ...deletion('Background') }
      return (await callJson(connection, { verb: 'delete', kind: 'ReplicaSet', name }, request, 404)) !== undefined
    },
  }
}
