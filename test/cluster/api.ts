/** A client of the API server for these tests: any object, in their namespace or at a full path, and streams of logs. */
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectApi } from '../../shared/adapters/kubernetes/po/index.ts'

export interface ApiObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: {
    readonly name: string
    readonly uid?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly creationTimestamp?: string
    readonly deletionTimestamp?: string
  }
  readonly [field: string]: unknown
}

export interface PodObject extends ApiObject {
  readonly spec: { readonly containers: readonly { readonly name: string; readonly image: string }[] }
  readonly status: {
    readonly phase: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly containerStatuses?: readonly { readonly state: Readonly<Record<string, unknown>> }[]
  }
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

const COLLECTIONS: Readonly<Record<string, string>> = {
  Pod: 'api/v1/pods',
  Service: 'api/v1/services',
  Secret: 'api/v1/secrets',
  ConfigMap: 'api/v1/configmaps',
  ServiceAccount: 'api/v1/serviceaccounts',
  Deployment: 'apis/apps/v1/deployments',
  ReplicaSet: 'apis/apps/v1/replicasets',
  NetworkPolicy: 'apis/networking.k8s.io/v1/networkpolicies',
  Job: 'apis/batch/v1/jobs',
  CronJob: 'apis/batch/v1/cronjobs',
  Analytics: 'apis/eng.cam.ac.uk/v1alpha1/analytics',
  Event: 'api/v1/events',
  KnativeService: 'apis/serving.knative.dev/v1/services',
  Revision: 'apis/serving.knative.dev/v1/revisions',
  ApiServerSource: 'apis/sources.knative.dev/v1/apiserversources',
  PingSource: 'apis/sources.knative.dev/v1/pingsources',
  Broker: 'apis/eventing.knative.dev/v1/brokers',
  Trigger: 'apis/eventing.knative.dev/v1/triggers',
  Role: 'apis/rbac.authorization.k8s.io/v1/roles',
  RoleBinding: 'apis/rbac.authorization.k8s.io/v1/rolebindings',
}

/** Label of test namespaces: seconds since 1970 after which one counts as abandoned, and the limit of its use. */
const UNTIL = 'flame-po/test-until'
const LONGEST_S = 7200

/** All kinds of a run's objects, including those that controllers create. */
export const KINDS_OF_RUNS = ['Secret', 'ConfigMap', 'Service', 'Pod', 'Deployment', 'ReplicaSet', 'NetworkPolicy']

/** Polls until `attempt` returns a value. @throws with `what` after the time limit */
export async function eventually<T>(
  what: string,
  attempt: () => Promise<T | undefined | false>,
  limitMs = 60_000,
): Promise<T> {
  const end = Date.now() + limitMs
  while (Date.now() < end) {
    const found = await attempt()
    if (found !== undefined && found !== false) return found
    await sleep(100)
  }
  throw new Error(`not within ${limitMs / 1000} s: ${what}`)
}

export function createApi(kubeconfig: string, namespace: string) {
  const connection = connectApi({ env: { KUBECONFIG: kubeconfig }, namespace })

  const pathOf = (kind: string, name?: string, within = namespace): string => {
    const collection = COLLECTIONS[kind]
    if (!collection) throw new Error(`no path is known for ${kind}`)
    return `/${collection.replace(/\/([a-z]+)$/, `/namespaces/${within}/$1`)}${name ? `/${name}` : ''}`
  }

  const send = async (method: Method, path: string, body?: object, signal = AbortSignal.timeout(20_000)) => {
    const headers = { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' }
    return connection.send({ method, path, headers, body: body && JSON.stringify(body), signal })
  }

  /** Undefined if it does not exist. */
  async function json<T>(method: Method, path: string, body?: object, signal?: AbortSignal): Promise<T | undefined> {
    const { status, body: answer } = await send(method, path, body, signal)
    const text = await answer.text()
    if (status === 404) return undefined
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`)
    return JSON.parse(text) as T
  }

  async function list<T extends ApiObject>(kind: string, selector = '', within = namespace): Promise<readonly T[]> {
    const path = `${pathOf(kind, undefined, within)}?labelSelector=${encodeURIComponent(selector)}`
    return (await json<{ items: T[] }>('GET', path))?.items ?? []
  }

  return {
    namespace,
    json,
    list,
    pods: (selector: string) => list<PodObject>('Pod', selector),
    find: (kind: string, name: string, within = namespace) => json<ApiObject>('GET', pathOf(kind, name, within)),
    create: (object: ApiObject, kind = object.kind ?? '') => json<ApiObject>('POST', pathOf(kind), object),
    /** Writes to a subresource of an object. */
    async post<T>(kind: string, name: string, body: object): Promise<T> {
      const answer = await json<T>('POST', pathOf(kind, name), body)
      if (answer === undefined) throw new Error(`${kind} ${name} is not there`)
      return answer
    },
    remove: (kind: string, name: string, propagation: 'Background' | 'Foreground' | 'Orphan') =>
      json('DELETE', `${pathOf(kind, name)}?propagationPolicy=${propagation}`),
    /** Calls a Service through the API server's proxy. */
    ask: <T>(service: string, port: number, path: string) =>
      json<T>('GET', `${pathOf('Service', `${service}:${port}`)}/proxy${path}`),
    /** The log of a pod; empty before it starts. */
    async log(pod: string): Promise<string> {
      const { status, body } = await send('GET', `${pathOf('Pod', pod)}/log`)
      const text = await body.text()
      return status === 200 ? text : ''
    },
    /** Streams the log lines of a running container until it exits or `signal` aborts. */
    async follow(pod: string, signal: AbortSignal, onLine: (line: string) => void): Promise<void> {
      const { status, body } = await send('GET', `${pathOf('Pod', pod)}/log?follow=true`, undefined, signal)
      if (status !== 200) return body.resume().destroy() && undefined
      for await (const line of createInterface({ input: body })) onLine(line)
    },
    /** Also deletes abandoned namespaces, which a second Ctrl-C leaves behind. */
    async makeNamespace(labels: Readonly<Record<string, string>>): Promise<void> {
      const all = await json<{ items: ApiObject[] }>('GET', `/api/v1/namespaces?labelSelector=${UNTIL}`)
      const now = Math.floor(Date.now() / 1000)
      const isForgotten = ({ metadata }: ApiObject) => Number(metadata.labels?.[UNTIL]) < now
      const forgotten = (all?.items ?? []).filter(isForgotten).map(({ metadata }) => metadata.name)
      await Promise.all(forgotten.map((name) => json('DELETE', `/api/v1/namespaces/${name}`)))
      const own = { ...labels, [UNTIL]: String(now + LONGEST_S) }
      await json('POST', '/api/v1/namespaces', { metadata: { name: namespace, labels: own } })
      // Pods are refused until their service account exists.
      await eventually('the default service account', () => json('GET', pathOf('ServiceAccount', 'default')))
    },
    /**
     * Deletes all pods and their controllers. The namespace controller waits half of the longest grace period, which is
     * minutes, before it retries a namespace with terminating pods.
     */
    async endPods(): Promise<void> {
      for (const kind of ['PingSource', 'ApiServerSource', 'KnativeService', 'CronJob', 'Job', 'Deployment'])
        await json('DELETE', `${pathOf(kind)}?propagationPolicy=Background`)
      const isOver = async () => {
        await json('DELETE', `${pathOf('Pod')}?gracePeriodSeconds=0`)
        return (await list('Pod')).length === 0
      }
      await eventually('all pods have ended', isOver, 120_000)
    },
    /**
     * Resolves when the namespace and all its objects are gone, including those with finalizers of Serving and Eventing.
     * @throws with the remaining objects
     */
    async removeNamespace(): Promise<void> {
      const path = `/api/v1/namespaces/${namespace}`
      await json('DELETE', path)
      let remains = ''
      const isGone = async () => {
        const found = await json<{ status: { conditions?: { status: string; message: string }[] } }>('GET', path)
        const conditions = found?.status.conditions ?? []
        remains = conditions.flatMap(({ status, message }) => (status === 'True' ? [message] : [])).join('; ')
        return found === undefined
      }
      await eventually('the namespace is gone', isGone, 600_000).catch((error: Error) => {
        throw new Error(`${error.message}: ${remains}`, { cause: error })
      })
    },
    close: () => connection.close(),
  }
}

export type Api = ReturnType<typeof createApi>
