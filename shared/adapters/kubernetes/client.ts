/**
 * The calls that all ports on the Kubernetes API share, in the namespace of a connection: apply, get, list, patch, delete,
 * logs. A missing object is `undefined` or `false`, never a fault.
 */
import type { KubernetesObject } from '../../platform/ports.ts'
import { apiFault, call, callJson, METADATA, METADATA_LIST } from './api.ts'
import { type ApiConnection, type ApiConnectionOptions, connectApi } from './connection.ts'
import { kindOfObject, pathOf, type ResourceKind } from './kinds.ts'
import { listAll } from './list.ts'
import type { Metadata } from './metadata.ts'
import { readTail, type Tail } from './tail.ts'

/** Label selector in the API's syntax; empty for all. */
type Selector = string

export interface ClusterOptions extends ApiConnectionOptions {
  /** An existing connection, which ignores the other options. */
  readonly connection?: ApiConnection | undefined
}

export const connectionOf = (options: ClusterOptions): ApiConnection => options.connection ?? connectApi(options)

export function createApiClient(connection: ApiConnection, fieldManager: string) {
  const { namespace } = connection
  const path = (kind: ResourceKind, name?: string) => pathOf(namespace, kind, name)

  return {
    path,

    /** Server-side apply, conflicts forced. One write. */
    async apply(object: KubernetesObject): Promise<{ uid: string }> {
      const kind = kindOfObject(object)
      const { name } = object.metadata
      const request = {
        method: 'PATCH',
        path: `${path(kind, name)}?fieldManager=${fieldManager}&force=true`,
        headers: { 'content-type': 'application/apply-patch+yaml', accept: METADATA },
        body: JSON.stringify(object),
      } as const
      const applied = await callJson<Metadata>(connection, { verb: 'apply', kind, name }, request)
      return { uid: applied?.metadata.uid ?? '' }
    },

    metadata(kind: ResourceKind, name: string): Promise<Metadata | undefined> {
      const request = { method: 'GET', path: path(kind, name), headers: { accept: METADATA } } as const
      return callJson<Metadata>(connection, { verb: 'get', kind, name }, request, 404)
    },

    /** Merge patch. Resolves to the new metadata. */
    patch(kind: ResourceKind, name: string, body: object, subresource = ''): Promise<Metadata | undefined> {
      const request = {
        method: 'PATCH',
        path: `${path(kind, name)}${subresource}?fieldManager=${fieldManager}`,
        headers: { 'content-type': 'application/merge-patch+json', accept: METADATA },
        body: JSON.stringify(body),
      } as const
      return callJson<Metadata>(connection, { verb: 'patch', kind, name }, request, 404)
    },

    /** Returns before dependents are gone. */
    async remove(
      kind: ResourceKind,
      name: string,
      propagation: 'Foreground' | 'Background' = 'Foreground',
    ): Promise<boolean> {
      const request = { method: 'DELETE', path: `${path(kind, name)}?propagationPolicy=${propagation}` } as const
      return (await callJson(connection, { verb: 'delete', kind, name }, request, 404)) !== undefined
    },

    list: <T, R>(kind: ResourceKind, selector: Selector, pick: (item: T) => R): Promise<R[]> =>
      listAll(connection, { subject: { verb: 'list', kind }, path: path(kind), selector, pick }),

    /** Metadata only, in larger pages. */
    listMetadata: <R>(kind: ResourceKind, selector: Selector, pick: (item: Metadata) => R): Promise<R[]> =>
      listAll(connection, {
        subject: { verb: 'list', kind },
        path: path(kind),
        selector,
        accept: METADATA_LIST,
        pageSize: connection.metadataPageSize,
        pick,
      }),

    /**
     * Reads the whole log and keeps its end, because the API's `limitBytes` counts from the start and `tailLines` limits no
     * bytes. A kubelet rotates logs at 10 MiB, which bounds the reading.
     */
    log(pod: string, container: string, limitBytes: number): Promise<Tail | undefined> {
      const subject = { verb: 'read the log of', kind: 'Pod', name: pod }
      const query = `container=${encodeURIComponent(container)}`
      const request = { method: 'GET', path: `${path('Pod', pod)}/log?${query}` } as const
      return call(connection, subject, request, connection.logDeadlineMs, async (answer) => {
        if (answer.status < 300) {
          const tail = await readTail(answer.body, limitBytes)
          return isNoLog(tail) ? undefined : tail
        }
        const text = await answer.body.text()
        // 400: the container has not started, or the pod has no such container.
        if (answer.status === 404 || answer.status === 400) return undefined
        throw apiFault(subject, answer, text)
      })
    },
  }
}

/** A kubelet writes this with status 200 instead of a deleted log. */
const NO_LOG = /^unable to retrieve container logs for \S+$/
const NO_LOG_BYTES = 1024
const isNoLog = ({ text, bytes }: Tail): boolean => bytes <= NO_LOG_BYTES && NO_LOG.test([...text].join(''))
