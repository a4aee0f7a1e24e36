/** The Takeover port: changes the metadata of objects of another orchestrator, never their specs. */
import { FIELD_MANAGER } from '../../../po/names.ts'
import type { Takeover } from '../../../po/ports/adopt.ts'
import { callJson } from '../api.ts'
import { createApiClient } from '../client.ts'
import type { ApiConnection } from '../connection.ts'
import { labelSelector } from '../kinds.ts'
import { metaOf } from '../metadata.ts'

/** In the body, because the query cannot contain a precondition. */
const deletion = (propagationPolicy: 'Orphan' | 'Background', uid?: string) => ({
  method: 'DELETE' as const,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ propagationPolicy, ...(uid ? { preconditions: { uid } } : {}) }),
})

export function createTakeover(connection: ApiConnection): Takeover {
  const client = createApiClient(connection, FIELD_MANAGER)
  return {
    async mark(kind, name, { labels, owner }) {
      const metadata = { labels, ...(owner ? { ownerReferences: [owner] } : {}) }
      return (await client.patch(kind, name, { metadata }))?.metadata.uid
    },
    replicaSets: (labels) => client.listMetadata('ReplicaSet', labelSelector(labels), metaOf),

    async orphan(name, uid) {
      const request = { path: client.path('Deployment', name), ...deletion('Orphan', uid) }
      // 409: it has another uid.
      return (await callJson(connection, { verb: 'delete', kind: 'Deployment', name }, request, 404, 409)) !== undefined
    },

    async removeReplicaSet(name) {
      const request = { path: client.path('ReplicaSet', name), ...deletion('Background') }
      return (await callJson(connection, { verb: 'delete', kind: 'ReplicaSet', name }, request, 404)) !== undefined
    },
  }
}
