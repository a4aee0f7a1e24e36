/** The Cluster port of PO on a Kubernetes API server: translates objects. */
import type { V1Service } from '@kubernetes/client-node/dist/gen/models/V1Service.js'
import { FIELD_MANAGER } from '../../../po/names.ts'
import type { PoCluster } from '../../../po/ports/cluster.ts'
import { type ClusterOptions, connectionOf, createApiClient } from '../client.ts'
import { labelSelector } from '../kinds.ts'
import { metaOf, objectMeta } from '../metadata.ts'
import { choosePeers, PEER_SELECTORS } from './peers.ts'
import { poPodFacts } from './pods.ts'

export { type ApiConnection, connectApi } from '../connection.ts'
export { apiServerProxy } from '../service-proxy.ts'

const base64 = (entries: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, Buffer.from(value).toString('base64')]))

/** `close` closes the connections; the cluster must not be used afterwards. */
export function createPoCluster(options: ClusterOptions = {}): PoCluster & { close(): Promise<void> } {
  const connection = connectionOf(options)
  const client = createApiClient(connection, FIELD_MANAGER)
  return {
    namespace: connection.namespace,
    apply: client.apply,
    async find(kind, name) {
      const found = await client.metadata(kind, name)
      return found && objectMeta(kind, found)
    },
    async patchSecret(name, entries) {
      const patched = await client.patch('Secret', name, { data: base64(entries) })
      return patched && metaOf(patched)
    },
    list: (kind, labels) => client.listMetadata(kind, labelSelector(labels), (item) => objectMeta(kind, item)),
    pods: (labels) => client.list('Pod', labelSelector(labels), poPodFacts),
    remove: (kind, name) => client.remove(kind, name),
    removePod: (name) => client.remove('Pod', name, 'Background'),
    log: client.log,
    async peers() {
      const services = PEER_SELECTORS.map((selector) =>
        client.list('Service', selector, (service: V1Service) => service),
      )
      return choosePeers((await Promise.all(services)).flat())
    },
    close: () => connection.close(),
  }
}
