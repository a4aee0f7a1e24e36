/** The API under test, and requests to it in short. */

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Namespaced: `api/v1/secrets/x?limit=1`; from the root when it begins with a slash. */
  readonly path: string
  readonly body?: unknown
  readonly type?: string
  readonly accept?: string
}

export interface ApiTarget {
  send(request: ApiRequest): Promise<{ readonly status: number; readonly body: ApiBody }>
  /** Events of a watch until `count` of them came. */
  watch(path: string, count: number): Promise<readonly { readonly type: string; readonly object: ApiBody }[]>
  stop(): Promise<void>
}

export interface ApiBody {
  readonly kind?: string
  readonly reason?: string
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly resourceVersion: string
    readonly generation?: number
    readonly continue?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly ownerReferences?: readonly unknown[]
    readonly managedFields?: readonly {
      readonly manager: string
      readonly operation: string
      readonly fieldsV1: unknown
    }[]
  }
  readonly items: readonly ApiBody[]
  readonly data?: Readonly<Record<string, string>>
  readonly spec?: Readonly<Record<string, unknown>>
  readonly [field: string]: unknown
}

export const SECRETS = 'api/v1/secrets'
export const MAPS = 'api/v1/configmaps'
export const DEPLOYMENTS = 'apis/apps/v1/deployments'
export const APPLY = 'application/apply-patch+yaml'
export const MERGE = 'application/merge-patch+json'
export const PATIENCE = { timeout: 20_000, interval: 50 }

export const map = (name: string, data: object = {}, metadata: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...metadata },
  data,
})

export const container = (more: object = {}) => ({ name: 'main', image: 'example.invalid/none:1', ...more })
export const deployment = (name: string, containers: object[] = [container()], more: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    replicas: 0,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers } },
    ...more,
  },
})

interface PodTemplate {
  readonly volumes?: readonly object[]
  readonly containers: readonly {
    readonly name: string
    readonly image: string
    readonly env?: unknown
    readonly ports?: unknown
    readonly volumeMounts?: unknown
  }[]
}

export const podOf = (deployed: ApiBody): PodTemplate =>
  (deployed.spec as { template: { spec: PodTemplate } } | undefined)?.template.spec ?? { containers: [] }

export type Verbs = ReturnType<typeof verbsOf>

export function verbsOf(target: () => ApiTarget) {
  const ask = (request: ApiRequest) => target().send(request)
  const send = (method: ApiRequest['method'], path: string, body?: unknown, more: Partial<ApiRequest> = {}) =>
    ask({ method, path, body, ...more })
  return {
    ask,
    send,
    create: (path: string, body: object, manager = 'tester') => send('POST', `${path}?fieldManager=${manager}`, body),
    apply(path: string, body: object, manager: string, force = false) {
      const { name } = (body as { metadata: { name: string } }).metadata
      return send('PATCH', `${path}/${name}?fieldManager=${manager}&force=${force}`, body, { type: APPLY })
    },
    read: async (path: string, name: string) => (await send('GET', `${path}/${name}`)).body,
    watch: (path: string, count: number) => target().watch(path, count),
  }
}
