/**
 * The Cluster port of digital twins on a Kubernetes API server.
 *
 * Owns: how the API's objects and errors become the port's. May import: port types, model, names, fault.
 */
import type { V1Deployment } from '@kubernetes/client-node/dist/gen/models/V1Deployment.js'
import type { V1ObjectMeta } from '@kubernetes/client-node/dist/gen/models/V1ObjectMeta.js'
import type { ServiceId } from '../../../dt/model.ts'
import { FIELD_MANAGER, LABEL } from '../../../dt/names.ts'
import type { Cluster, KubernetesObject } from '../../../dt/ports.ts'
import { Fault } from '../../../platform/fault.ts'
import { call, callJson, METADATA, METADATA_LIST, refusal } from '../api.ts'
import { type Connection, type ConnectionOptions, connect } from '../connection.ts'
import { type Kind, kindOf, kindOfObject, pathOf } from '../kinds.ts'
import { listAll } from '../list.ts'
import { readTail } from '../tail.ts'
import {
  type AnalyticsObject,
  deploymentFacts,
  jobFacts,
  type KnativeServiceObject,
  knativeServerFacts,
  podFacts,
  resourceOf,
} from './facts.ts'

export interface ClusterOptions extends ConnectionOptions {
  /** A connection to share; the other options are then its own. */
  readonly connection?: Connection | undefined
}

interface Metadata {
  readonly metadata: V1ObjectMeta
}

const MERGE_PATCH = { 'content-type': 'application/merge-patch+json', accept: METADATA } as const
/** So many ids stand in one selector: a request line holds them, and a server's parser does. */
const IDS_PER_REQUEST = 100

function hundreds(ids: readonly ServiceId[]): string[] {
  const selectors: string[] = []
  for (let at = 0; at < ids.length; at += IDS_PER_REQUEST)
    selectors.push(`${LABEL.service} in (${ids.slice(at, at + IDS_PER_REQUEST).join(',')})`)
  return selectors
}

/** The API's own words: they are about an object that the caller described. */
const messageOf = (text: string): string => {
  try {
    const { message, reason } = JSON.parse(text) as { message?: string; reason?: string }
    return message ?? reason ?? ''
  } catch {
    return ''
  }
}

/** `close` gives the connections back; a cluster is not used after it. */
export function createCluster(options: ClusterOptions = {}): Cluster & { close(): Promise<void> } {
  const connection = options.connection ?? connect(options)
  const { namespace } = connection
  const path = (kind: Kind, name?: string) => pathOf(namespace, kind, name)

  async function listOf<T, R>(
    kind: Kind,
    ids: readonly ServiceId[],
    pick: (item: T) => R,
    accept?: string,
  ): Promise<R[]> {
    const lists = hundreds(ids).map((selector) =>
      listAll(connection, {
        subject: { verb: 'list', kind },
        path: path(kind),
        selector,
        pick,
        ...(accept ? { accept, pageSize: connection.metadataPageSize } : {}),
      }),
    )
    return (await Promise.all(lists)).flat()
  }

  const patched = async (kind: Kind, name: string, body: object, subresource = ''): Promise<boolean> => {
    const request = {
      method: 'PATCH',
      path: `${path(kind, name)}${subresource}?fieldManager=${FIELD_MANAGER}`,
      headers: MERGE_PATCH,
      body: JSON.stringify(body),
    } as const
    return (await callJson(connection, { verb: 'patch', kind, name }, request, 404)) !== undefined
  }

  const removed = async (kind: Kind, name: string): Promise<boolean> => {
    const request = { method: 'DELETE', path: `${path(kind, name)}?propagationPolicy=Foreground` } as const
    return (await callJson(connection, { verb: 'delete', kind, name }, request, 404)) !== undefined
  }

  return {
    namespace,

    create(object) {
      const { name } = object.metadata
      const subject = { verb: 'create', kind: 'Analytics', name }
      const request = {
        method: 'POST',
        path: `${path('Analytics')}?fieldManager=${FIELD_MANAGER}`,
        headers: { 'content-type': 'application/json', accept: METADATA },
        body: JSON.stringify(object),
      } as const
      return call(connection, subject, request, connection.deadlineMs, async (answer) => {
        const text = await answer.body.text()
        if (answer.status < 300) return { uid: (JSON.parse(text) as Metadata).metadata.uid ?? '' }
        const fault = refusal(subject, answer, text)
        if (fault.code !== 'refused') throw fault
        const detail = `Exception when creating custom resource: (${answer.status}) ${messageOf(text)}`
        throw new Fault('refused', fault.message, { status: answer.status, detail })
      })
    },

    async apply(object: KubernetesObject) {
      const kind = kindOfObject(object)
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

    resources: () =>
      listAll(connection, {
        subject: { verb: 'list', kind: 'Analytics' },
        path: path('Analytics'),
        selector: `!${LABEL.finished}`,
        pick: (item: AnalyticsObject) => resourceOf(item),
      }),

    marked: () =>
      listAll(connection, {
        subject: { verb: 'list', kind: 'Analytics' },
        path: path('Analytics'),
        selector: LABEL.finished,
        accept: METADATA_LIST,
        pageSize: connection.metadataPageSize,
        pick: ({ metadata }: Metadata) => ({
          name: metadata.name ?? '',
          uid: metadata.uid ?? '',
          generation: metadata.generation ?? 0,
          mark: metadata.labels?.[LABEL.finished] ?? '',
        }),
      }),

    async resource(name) {
      const request = { method: 'GET', path: path('Analytics', name) } as const
      const found = await callJson<AnalyticsObject>(connection, { verb: 'get', kind: 'Analytics', name }, request, 404)
      return found && resourceOf(found)
    },

    patchStatus: (name, status) => patched('Analytics', name, { status }, '/status'),
    patchResource: (name, { labels, finalizers }) =>
      patched('Analytics', name, {
        metadata: { ...(labels ? { labels } : {}), ...(finalizers ? { finalizers } : {}) },
      }),
    removeResource: (name) => removed('Analytics', name),

    jobs: (ids) => listOf('Job', ids, jobFacts),
    pods: (ids) => listOf('Pod', ids, podFacts),
    async servers(ids) {
      const [knative, deployments] = await Promise.all([
        listOf('KnativeService', ids, (item: KnativeServiceObject) => knativeServerFacts(item)),
        listOf('Deployment', ids, (item: V1Deployment) => deploymentFacts(item)),
      ])
      return [...knative, ...deployments]
    },
    cronJobs: (ids) => listOf('CronJob', ids, ({ metadata }: Metadata) => metadata.labels ?? {}, METADATA_LIST),

    async has(kind, name) {
      const request = { method: 'GET', path: path(kindOf(kind), name), headers: { accept: METADATA } } as const
      return (await callJson(connection, { verb: 'get', kind, name }, request, 404)) !== undefined
    },

    resume: (job) => patched('Job', job, { spec: { suspend: false } }),
    expire: (job, seconds) => patched('Job', job, { spec: { ttlSecondsAfterFinished: seconds } }),
    // It has had a second: Kubernetes does the rest, and keeps how its other runs ended.
    end: (job) => patched('Job', job, { spec: { activeDeadlineSeconds: 1 } }),
    remove: (kind, name) => removed(kindOf(kind), name),

    log(pod, container, limitBytes) {
      const subject = { verb: 'read the log of', kind: 'Pod', name: pod }
      const request = {
        method: 'GET',
        path: `${path('Pod', pod)}/log?container=${encodeURIComponent(container)}`,
      } as const
      return call(connection, subject, request, connection.logDeadlineMs, async (answer) => {
        if (answer.status < 300) return [...(await readTail(answer.body, limitBytes)).text].join('')
        const text = await answer.body.text()
        // 400: the container waits to start, or the pod has no such container.
        if (answer.status === 404 || answer.status === 400) return undefined
        throw refusal(subject, answer, text)
      })
    },

    close: () => connection.close(),
  }
}
