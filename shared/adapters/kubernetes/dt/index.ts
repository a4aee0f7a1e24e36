import type { ServiceId } from '../../../dt/model.ts'
import { FIELD_MANAGER, LABEL } from '../../../dt/names.ts'
import type { DtCluster } from '../../../dt/ports/cluster.ts'
import { Fault } from '../../../platform/fault.ts'
import { apiFault, call, callJson, METADATA } from '../api.ts'
import { type ClusterOptions, connectionOf, createApiClient } from '../client.ts'
import { kindOf } from '../kinds.ts'
import type { Metadata } from '../metadata.ts'
import {
  type AnalyticsObject,
  deploymentFacts,
  dtPodFacts,
  jobFacts,
  knativeServerFacts,
  resourceFacts,
} from './facts.ts'

/** Ids in one label selector, limited by the length of a request line. */
const IDS_PER_REQUEST = 100

function selectorsOf(ids: readonly ServiceId[]): string[] {
  const selectors: string[] = []
  for (let at = 0; at < ids.length; at += IDS_PER_REQUEST)
    selectors.push(`${LABEL.service} in (${ids.slice(at, at + IDS_PER_REQUEST).join(',')})`)
  return selectors
}

/** The API's message, which callers may read: it is about an object that the caller described. */
const messageOf = (text: string): string => {
  try {
    const { message, reason } = JSON.parse(text) as { message?: string; reason?: string }
    return message ?? reason ?? ''
  } catch {
    return ''
  }
}

/** `close` closes the connections; the cluster must not be used afterwards. */
export function createDtCluster(options: ClusterOptions = {}): DtCluster & { close(): Promise<void> } {
  const connection = connectionOf(options)
  const client = createApiClient(connection, FIELD_MANAGER)

  const listOf = async <R>(ids: readonly ServiceId[], list: (selector: string) => Promise<R[]>): Promise<R[]> =>
    (await Promise.all(selectorsOf(ids).map(list))).flat()
  const patched = async (...patch: Parameters<typeof client.patch>) => (await client.patch(...patch)) !== undefined

  return {
    namespace: connection.namespace,

    create(object) {
      const { name } = object.metadata
      const subject = { verb: 'create', kind: 'Analytics', name }
      const request = {
        method: 'POST',
        path: `${client.path('Analytics')}?fieldManager=${FIELD_MANAGER}`,
        headers: { 'content-type': 'application/json', accept: METADATA },
        body: JSON.stringify(object),
      } as const
      return call(connection, subject, request, connection.deadlineMs, async (answer) => {
        const text = await answer.body.text()
        if (answer.status < 300) return { uid: (JSON.parse(text) as Metadata).metadata.uid ?? '' }
        const fault = apiFault(subject, answer, text)
        if (fault.code !== 'refused') throw fault
        const detail = `Exception when creating custom resource: (${answer.status}) ${messageOf(text)}`
        throw new Fault('refused', fault.message, { status: answer.status, detail })
      })
    },

    apply: client.apply,

    resources: () => client.list('Analytics', `!${LABEL.finished}`, resourceFacts),
    marked: () =>
      client.listMetadata('Analytics', LABEL.finished, ({ metadata }) => ({
        name: metadata.name ?? '',
        uid: metadata.uid ?? '',
        generation: metadata.generation ?? 0,
        mark: metadata.labels?.[LABEL.finished] ?? '',
      })),
    async resource(name) {
      const request = { method: 'GET', path: client.path('Analytics', name) } as const
      const found = await callJson<AnalyticsObject>(connection, { verb: 'get', kind: 'Analytics', name }, request, 404)
      return found && resourceFacts(found)
    },
    patchStatus: (name, status) => patched('Analytics', name, { status }, '/status'),
    patchResource: (name, { labels, finalizers }) =>
      patched('Analytics', name, {
        metadata: { ...(labels ? { labels } : {}), ...(finalizers ? { finalizers } : {}) },
      }),
    removeResource: (name) => client.remove('Analytics', name),

    jobs: (ids) => listOf(ids, (selector) => client.list('Job', selector, jobFacts)),
    pods: (ids) => listOf(ids, (selector) => client.list('Pod', selector, dtPodFacts)),
    async servers(ids) {
      const lists = await Promise.all([
        listOf(ids, (selector) => client.list('KnativeService', selector, knativeServerFacts)),
        listOf(ids, (selector) => client.list('Deployment', selector, deploymentFacts)),
      ])
      return lists.flat()
    },
    cronJobs: (ids) =>
      listOf(ids, (selector) => client.listMetadata('CronJob', selector, ({ metadata }) => metadata.labels ?? {})),

    has: async (kind, name) => (await client.metadata(kindOf(kind), name)) !== undefined,
    resume: (job) => patched('Job', job, { spec: { suspend: false } }),
    expire: (job, seconds) => patched('Job', job, { spec: { ttlSecondsAfterFinished: seconds } }),
    // A deadline in the past: Kubernetes ends the Job and keeps the status of the runs that have ended.
    end: (job) => patched('Job', job, { spec: { activeDeadlineSeconds: 1 } }),
    remove: (kind, name) => client.remove(kindOf(kind), name),
    async log(pod, container, limitBytes) {
      const tail = await client.log(pod, container, limitBytes)
      return tail && [...tail.text].join('')
    },

    close: () => connection.close(),
  }
}
