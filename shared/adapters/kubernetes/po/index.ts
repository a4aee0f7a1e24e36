/**
 * The Cluster port on a Kubernetes API server.
 *
 * Owns: credentials, connections, paging, and how the API's objects and errors become the port's. Credentials are
 * `@kubernetes/client-node`'s. May import: port types, model, names, fault.
 */
import type { V1Pod } from '@kubernetes/client-node/dist/gen/models/V1Pod.js'
import type { V1Service } from '@kubernetes/client-node/dist/gen/models/V1Service.js'
import { FIELD_MANAGER } from '../../../po/names.ts'
import type { Cluster } from '../../../po/ports.ts'
import { call, callJson, METADATA, METADATA_LIST, refusal } from '../api.ts'
import { type Connection, type ConnectionOptions, connect } from '../connection.ts'
import { type Kind, kindOf, pathOf, selectorOf } from '../kinds.ts'
import { listAll } from '../list.ts'
import { type Metadata, metaOf, objectMeta } from '../metadata.ts'
import { readTail, type Tail } from '../tail.ts'
import { choosePeers, PEER_SELECTORS } from './peers.ts'
import { podFacts } from './pods.ts'

export { type Connection, connect } from '../connection.ts'
export { apiServerProxy } from '../service-proxy.ts'

export interface ClusterOptions extends ConnectionOptions {
  /** A connection to share; the other options are then its own. */
  readonly connection?: Connection | undefined
}

/** `close` gives the connections back; a cluster is not used after it. */
export function createCluster(options: ClusterOptions = {}): Cluster & { close(): Promise<void> } {
  const connection = options.connection ?? connect(options)
  const { namespace } = connection
  const path = (kind: Kind, name?: string) => pathOf(namespace, kind, name)

  async function remove(kind: Kind, name: string, propagation: 'Foreground' | 'Background'): Promise<boolean> {
    const request = { method: 'DELETE', path: `${path(kind, name)}?propagationPolicy=${propagation}` } as const
    return (await callJson(connection, { verb: 'delete', kind, name }, request, 404)) !== undefined
  }

  return {
    namespace,

    async apply(object) {
      const kind = kindOf(object.kind)
      const { name } = object.metadata
      const applied = await callJson<Metadata>(
        connection,
        { verb: 'apply', kind, name },
        {
          method: 'PATCH',
          path: `${path(kind, name)}?fieldManager=${FIELD_MANAGER}&force=true`,
          headers: { 'content-type': 'application/apply-patch+yaml', accept: METADATA },
          body: JSON.stringify(object),
        },
      )
      return { uid: applied?.metadata.uid ?? '' }
    },

    async find(kind, name) {
      const request = { method: 'GET', path: path(kind, name), headers: { accept: METADATA } } as const
      const found = await callJson<Metadata>(connection, { verb: 'get', kind, name }, request, 404)
      return found && objectMeta(kind, found)
    },

    async patchSecret(name, entries) {
      const data = Object.entries(entries).map(([key, value]) => [key, Buffer.from(value).toString('base64')])
      const subject = { verb: 'patch', kind: 'Secret', name }
      const request = {
        method: 'PATCH',
        path: `${path('Secret', name)}?fieldManager=${FIELD_MANAGER}`,
        headers: { 'content-type': 'application/merge-patch+json', accept: METADATA },
        body: JSON.stringify({ data: Object.fromEntries(data) }),
      } as const
      const patched = await callJson<Metadata>(connection, subject, request, 404)
      return patched && metaOf(patched)
    },

    async list(kind, labels) {
      return listAll(connection, {
        subject: { verb: 'list', kind },
        path: path(kind),
        selector: selectorOf(labels),
        accept: METADATA_LIST,
        pageSize: connection.metadataPageSize,
        pick: (item: Metadata) => objectMeta(kind, item),
      })
    },

    async pods(labels) {
      return listAll(connection, {
        subject: { verb: 'list', kind: 'Pod' },
        path: path('Pod'),
        selector: selectorOf(labels),
        pick: (pod: V1Pod) => podFacts(pod),
      })
    },

    remove: (kind, name) => remove(kind, name, 'Foreground'),
    removePod: (name) => remove('Pod', name, 'Background'),

    log: (pod, container, limitBytes) => readLog(connection, path('Pod', pod), pod, container, limitBytes),

    async peers() {
      const services = { subject: { verb: 'list', kind: 'Service' }, path: path('Service') }
      const lists = PEER_SELECTORS.map((selector) =>
        listAll(connection, { ...services, selector, pick: (service: V1Service) => service }),
      )
      return choosePeers((await Promise.all(lists)).flat())
    },

    close: () => connection.close(),
  }
}

/** What a kubelet writes with status 200 in place of a log that is gone. */
const NO_LOG = /^unable to retrieve container logs for \S+$/
const NO_LOG_BYTES = 1024
const isNoLog = ({ text, bytes }: Tail): boolean => bytes <= NO_LOG_BYTES && NO_LOG.test([...text].join(''))

/**
 * The API's `limitBytes` counts from the start of a log and `tailLines` says nothing about bytes, so the whole log is
 * read and its end kept. A kubelet rotates logs at 10 MiB, which bounds it.
 */
function readLog(
  connection: Connection,
  path: string,
  pod: string,
  container: string,
  limitBytes: number,
): Promise<Tail | undefined> {
  const subject = { verb: 'read the log of', kind: 'Pod', name: pod }
  const request = { method: 'GET', path: `${path}/log?container=${encodeURIComponent(container)}` } as const
  return call(connection, subject, request, connection.logDeadlineMs, async (answer) => {
    if (answer.status < 300) {
      const tail = await readTail(answer.body, limitBytes)
      return isNoLog(tail) ? undefined : tail
    }
    const text = await answer.body.text()
    // 400: the container waits to start, or the pod has no such container.
    if (answer.status === 404 || answer.status === 400) return undefined
    throw refusal(subject, answer, text)
  })
}
