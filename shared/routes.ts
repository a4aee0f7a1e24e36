/**
 * THE table: every function, the paths it answers, who may call it and what it may touch. Function registration, the
 * local gateway, OpenAPI and the deployment manifests are made from it; nothing else lists functions.
 *
 * Owns: names, methods, paths, grants, scale. May import nothing but its other half.
 */
import { twinRoutes } from './twin-routes.ts'

/**
 * `user`: any token of the realm but an analysis's. `analysis`: also an analysis's, for itself. `twin`: `user` where
 * `DT_AUTH` is `keycloak`, else anybody. `service`: the token that a digital-twin service was started with, whatever
 * `DT_AUTH` says; its use case checks it.
 */
export type Auth = 'none' | 'user' | 'analysis' | 'twin' | 'service'

/** Groups of settings a function reads (see `config.ts`); a secret is mounted only where its group is named. */
export type SettingGroup =
  | 'auth'
  | 'database'
  | 'identity'
  | 'hub'
  | 'registry'
  | 'runs'
  | 'loop'
  | 'logs'
  | 'signing'
  | 'twins'
  | 'files'
  | 'tokens'
  | 'services'
  | 'outputs'
  | 'import'

export interface KubernetesGrant {
  readonly apiGroup: '' | 'apps' | 'batch' | 'networking.k8s.io' | 'serving.knative.dev' | 'eng.cam.ac.uk'
  readonly resources: readonly string[]
  readonly verbs: readonly ('get' | 'list' | 'create' | 'patch' | 'update' | 'delete')[]
}

export interface Endpoint {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'DELETE'
  /** `{name}` is one segment, `{name+}` the rest of the path. Each also answers with, or without, its trailing slash. */
  readonly path: string
  readonly summary: string
  /** Its id in the description, `tag-function`; left out, the function's name. */
  readonly operationId?: string
}

export interface Route {
  /** Registration name, ksvc name and folder: `po-status` lies in `functions/po/status`. */
  readonly name: string
  readonly auth: Auth
  /** `http` answers callers; `event` is sent CloudEvents. */
  readonly trigger: 'http' | 'event'
  /** Before which its paths answer, too; `{VERSION}` is the setting of that name. */
  readonly prefix?: string
  /**
   * `stream`: bodies are files, limited by `FILE_MAX_MIB` and not by the size of a JSON document. `long-texts`: of texts that
   * are too long the start is kept, where other functions refuse the document.
   */
  readonly body?: 'stream' | 'long-texts'
  readonly endpoints: readonly Endpoint[]
  readonly settings: readonly SettingGroup[]
  readonly kubernetes: readonly KubernetesGrant[]
  readonly scale: {
    readonly min: number
    readonly max: number
    readonly timeoutSeconds: number
    /**
     * Requests that a pod works on at the same time; Knative queues the others. What so many hold, bodies of the largest size
     * included, fits into the memory of the pod.
     */
    readonly concurrency: number
  }
}

const PODS_READ: KubernetesGrant = { apiGroup: '', resources: ['pods'], verbs: ['list'] }
const LOGS_READ: KubernetesGrant = { apiGroup: '', resources: ['pods/log'], verbs: ['get'] }
/** No function reads Secrets: reading one by its name is reading each, and a Role cannot name those of analyses. */
const ROOT_DELETE: readonly KubernetesGrant[] = [
  { apiGroup: '', resources: ['configmaps'], verbs: ['get', 'delete'] },
  // Roots that version 0.1 made; without this once none of its analyses is left.
  { apiGroup: '', resources: ['secrets'], verbs: ['delete'] },
]
const PEERS_READ: KubernetesGrant = { apiGroup: '', resources: ['services'], verbs: ['list'] }

/** What making a run takes. */
const RUN_WRITE: readonly KubernetesGrant[] = [
  { apiGroup: '', resources: ['secrets', 'configmaps', 'services'], verbs: ['create', 'patch'] },
  { apiGroup: 'apps', resources: ['deployments'], verbs: ['create', 'patch'] },
  { apiGroup: 'networking.k8s.io', resources: ['networkpolicies'], verbs: ['get', 'create', 'patch'] },
]

/** What finding objects without an owner row takes. */
const OWNED_LIST: readonly KubernetesGrant[] = [
  ...ROOT_DELETE,
  { apiGroup: '', resources: ['configmaps', 'services', 'pods'], verbs: ['list', 'delete'] },
  { apiGroup: 'apps', resources: ['deployments'], verbs: ['list', 'delete'] },
  { apiGroup: 'networking.k8s.io', resources: ['networkpolicies'], verbs: ['list', 'delete'] },
]

const REMOVAL_SETTINGS = ['auth', 'database', 'identity', 'hub', 'signing', 'runs', 'logs'] as const

/** The optional-id form that most endpoints have. */
const both = (method: Endpoint['method'], path: string, all: string, one: string): readonly Endpoint[] => [
  { method, path, summary: all },
  { method, path: `${path}/{analysis_id}`, summary: one },
]

export const routes = {
  po: {
    create: {
      name: 'po-create',
      auth: 'user',
      trigger: 'http',
      endpoints: [{ method: 'POST', path: '/po/', summary: 'Create an analysis and start it' }],
      settings: ['auth', 'database', 'identity', 'hub', 'registry', 'runs', 'signing', 'logs'],
      kubernetes: [...RUN_WRITE, PEERS_READ, ...ROOT_DELETE, PODS_READ, LOGS_READ],
      scale: { min: 0, max: 10, timeoutSeconds: 60, concurrency: 20 },
    },
    history: {
      name: 'po-history',
      auth: 'user',
      trigger: 'http',
      endpoints: both('GET', '/po/history', 'Logs of all ended analyses', 'Logs of one ended analysis'),
      settings: ['auth', 'database'],
      kubernetes: [],
      scale: { min: 0, max: 5, timeoutSeconds: 60, concurrency: 5 },
    },
    logs: {
      name: 'po-logs',
      auth: 'user',
      trigger: 'http',
      endpoints: both('GET', '/po/logs', 'Live logs of all analyses', 'Live logs of one analysis'),
      settings: ['auth', 'database', 'runs', 'logs'],
      kubernetes: [PODS_READ, LOGS_READ],
      scale: { min: 0, max: 5, timeoutSeconds: 60, concurrency: 5 },
    },
    streamLogs: {
      name: 'po-stream-logs',
      auth: 'analysis',
      trigger: 'http',
      body: 'long-texts',
      endpoints: [{ method: 'POST', path: '/po/stream_logs', summary: 'Record a log line of an analysis' }],
      settings: ['auth', 'database', 'hub', 'logs'],
      kubernetes: [],
      scale: { min: 1, max: 20, timeoutSeconds: 45, concurrency: 50 },
    },
    status: {
      name: 'po-status',
      auth: 'user',
      trigger: 'http',
      endpoints: both(
        'GET',
        '/po/status',
        'Status and progress of all analyses',
        'Status and progress of one analysis',
      ),
      settings: ['auth', 'database'],
      kubernetes: [],
      scale: { min: 0, max: 10, timeoutSeconds: 45, concurrency: 50 },
    },
    pods: {
      name: 'po-pods',
      auth: 'user',
      trigger: 'http',
      endpoints: both('GET', '/po/pods', 'Pod names of all analyses', 'Pod names of one analysis'),
      settings: ['auth', 'database', 'runs'],
      kubernetes: [PODS_READ],
      scale: { min: 0, max: 5, timeoutSeconds: 45, concurrency: 20 },
    },
    stop: {
      name: 'po-stop',
      auth: 'user',
      trigger: 'http',
      endpoints: both('PUT', '/po/stop', 'Stop all analyses', 'Stop one analysis'),
      settings: REMOVAL_SETTINGS,
      kubernetes: [...ROOT_DELETE, PODS_READ, LOGS_READ, PEERS_READ],
      scale: { min: 0, max: 10, timeoutSeconds: 60, concurrency: 20 },
    },
    delete: {
      name: 'po-delete',
      auth: 'user',
      trigger: 'http',
      endpoints: both('DELETE', '/po/delete', 'Delete all analyses', 'Delete one analysis'),
      settings: REMOVAL_SETTINGS,
      kubernetes: [...ROOT_DELETE, PODS_READ, LOGS_READ, PEERS_READ],
      scale: { min: 0, max: 10, timeoutSeconds: 60, concurrency: 20 },
    },
    cleanup: {
      name: 'po-cleanup',
      auth: 'user',
      trigger: 'http',
      endpoints: [
        {
          method: 'DELETE',
          path: '/po/cleanup/{cleanup_type}',
          summary: 'Clean up what the comma-separated words name',
        },
      ],
      settings: REMOVAL_SETTINGS,
      kubernetes: [...OWNED_LIST, LOGS_READ],
      scale: { min: 0, max: 2, timeoutSeconds: 120, concurrency: 5 },
    },
    healthz: {
      name: 'po-healthz',
      auth: 'none',
      trigger: 'http',
      endpoints: [{ method: 'GET', path: '/po/healthz', summary: 'Whether the database answers and the loop moves' }],
      settings: ['database', 'loop'],
      kubernetes: [],
      scale: { min: 0, max: 2, timeoutSeconds: 45, concurrency: 50 },
    },
    docs: {
      name: 'po-docs',
      auth: 'none',
      trigger: 'http',
      endpoints: [
        { method: 'GET', path: '/api/docs', summary: 'Swagger UI' },
        { method: 'GET', path: '/api/redoc', summary: 'ReDoc' },
        { method: 'GET', path: '/api/v1/openapi.json', summary: 'This description' },
        { method: 'GET', path: '/api/assets/{file}', summary: 'Scripts and styles of the two pages' },
      ],
      settings: [],
      kubernetes: [],
      scale: { min: 0, max: 2, timeoutSeconds: 45, concurrency: 50 },
    },
    statusReconcile: {
      name: 'po-status-reconcile',
      auth: 'none',
      trigger: 'event',
      endpoints: [{ method: 'POST', path: '/', summary: 'A tick of the status loop' }],
      settings: ['auth', 'database', 'identity', 'hub', 'runs', 'loop', 'signing', 'logs'],
      kubernetes: [...RUN_WRITE, ...OWNED_LIST, LOGS_READ],
      scale: { min: 1, max: 1, timeoutSeconds: 300, concurrency: 20 },
    },
  },
  dt: twinRoutes,
} as const satisfies Record<string, Record<string, Route>>

export const poRoutes: readonly Route[] = Object.values(routes.po)
export const dtRoutes: readonly Route[] = Object.values(routes.dt)
export const allRoutes: readonly Route[] = [...poRoutes, ...dtRoutes]

/** What stands before the paths of a route at this version of its API. */
export const prefixOf = ({ prefix = '' }: Pick<Route, 'prefix'>, version: string): string =>
  prefix.replace('{VERSION}', version)

/** Folder of a function below `functions/`: `po-stream-logs` → `po/stream-logs`. */
export const functionFolder = (route: Route): string => route.name.replace('-', '/')
