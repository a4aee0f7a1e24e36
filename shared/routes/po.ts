/** The functions of the pod orchestration. */
import { LOGS_READ, PODS_READ } from './grants.ts'
import type { Endpoint, KubernetesGrant, Route } from './route.ts'

/** No function reads Secrets: a Role cannot name those of analyses, so a permission for one would be one for all. */
const ROOT_DELETE: readonly KubernetesGrant[] = [
  { apiGroup: '', resources: ['configmaps'], verbs: ['get', 'delete'] },
  // Roots of version 0.1; to be removed when none of its analyses is left.
  { apiGroup: '', resources: ['secrets'], verbs: ['delete'] },
]
const PEERS_READ: KubernetesGrant = { apiGroup: '', resources: ['services'], verbs: ['list'] }

/** To create a run. */
const RUN_WRITE: readonly KubernetesGrant[] = [
  { apiGroup: '', resources: ['secrets', 'configmaps', 'services'], verbs: ['create', 'patch'] },
  { apiGroup: 'apps', resources: ['deployments'], verbs: ['create', 'patch'] },
  { apiGroup: 'networking.k8s.io', resources: ['networkpolicies'], verbs: ['get', 'create', 'patch'] },
]

/** To find and delete objects without a row. */
const OWNED_LIST: readonly KubernetesGrant[] = [
  ...ROOT_DELETE,
  { apiGroup: '', resources: ['configmaps', 'services', 'pods'], verbs: ['list', 'delete'] },
  { apiGroup: 'apps', resources: ['deployments'], verbs: ['list', 'delete'] },
  { apiGroup: 'networking.k8s.io', resources: ['networkpolicies'], verbs: ['list', 'delete'] },
]

const REMOVAL_SETTINGS = ['auth', 'database', 'identity', 'hub', 'signing', 'runs', 'logs'] as const

const API = { trigger: 'http', cors: 'CORS_ORIGIN', slashes: 'both', kubernetes: [] } as const
const USER = { ...API, auth: 'user' } as const
const OPEN = { ...API, auth: 'none' } as const

/** To remove an analysis. */
const REMOVAL = {
  settings: REMOVAL_SETTINGS,
  kubernetes: [...ROOT_DELETE, PODS_READ, LOGS_READ, PEERS_READ],
  scale: { min: 0, max: 10, timeoutSeconds: 60, concurrency: 20 },
} as const

/** An endpoint for all analyses, and one for a single analysis. */
const both = (method: Endpoint['method'], path: string, all: string, one: string): readonly Endpoint[] => [
  { method, path, summary: all },
  { method, path: `${path}/{analysis_id}`, summary: one },
]

export const po = {
  create: {
    name: 'po-create',
    ...USER,
    endpoints: [{ method: 'POST', path: '/po/', summary: 'Create an analysis and start it' }],
    settings: ['auth', 'database', 'identity', 'hub', 'registry', 'runs', 'isolation', 'signing', 'logs'],
    kubernetes: [...RUN_WRITE, PEERS_READ, ...ROOT_DELETE, PODS_READ, LOGS_READ],
    scale: { min: 0, max: 10, timeoutSeconds: 60, concurrency: 20 },
  },
  history: {
    name: 'po-history',
    ...USER,
    endpoints: both('GET', '/po/history', 'Logs of all ended analyses', 'Logs of one ended analysis'),
    settings: ['auth', 'database'],
    scale: { min: 0, max: 5, timeoutSeconds: 60, concurrency: 5 },
  },
  logs: {
    name: 'po-logs',
    ...USER,
    endpoints: both('GET', '/po/logs', 'Live logs of all analyses', 'Live logs of one analysis'),
    settings: ['auth', 'database', 'runs', 'logs'],
    kubernetes: [PODS_READ, LOGS_READ],
    scale: { min: 0, max: 5, timeoutSeconds: 60, concurrency: 5 },
  },
  streamLogs: {
    name: 'po-stream-logs',
    auth: 'analysis',
    ...API,
    body: 'long-texts',
    endpoints: [{ method: 'POST', path: '/po/stream_logs', summary: 'Record a log line of an analysis' }],
    settings: ['auth', 'database', 'hub', 'logs'],
    scale: { min: 1, max: 20, timeoutSeconds: 45, concurrency: 50 },
  },
  status: {
    name: 'po-status',
    ...USER,
    endpoints: both('GET', '/po/status', 'Status and progress of all analyses', 'Status and progress of one analysis'),
    settings: ['auth', 'database'],
    scale: { min: 0, max: 10, timeoutSeconds: 45, concurrency: 50 },
  },
  pods: {
    name: 'po-pods',
    ...USER,
    endpoints: both('GET', '/po/pods', 'Pod names of all analyses', 'Pod names of one analysis'),
    settings: ['auth', 'database', 'runs'],
    kubernetes: [PODS_READ],
    scale: { min: 0, max: 5, timeoutSeconds: 45, concurrency: 20 },
  },
  stop: {
    name: 'po-stop',
    ...USER,
    endpoints: both('PUT', '/po/stop', 'Stop all analyses', 'Stop one analysis'),
    ...REMOVAL,
  },
  delete: {
    name: 'po-delete',
    ...USER,
    endpoints: both('DELETE', '/po/delete', 'Delete all analyses', 'Delete one analysis'),
    ...REMOVAL,
  },
  cleanup: {
    name: 'po-cleanup',
    ...USER,
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
  record: {
    name: 'po-record',
    ...USER,
    endpoints: [
      {
        method: 'GET',
        path: '/po/analyses/{analysis_id}/record',
        summary: 'The signed record of an ended analysis',
      },
    ],
    settings: ['auth', 'database'],
    scale: { min: 0, max: 5, timeoutSeconds: 45, concurrency: 20 },
  },
  healthz: {
    name: 'po-healthz',
    ...OPEN,
    endpoints: [{ method: 'GET', path: '/po/healthz', summary: 'Whether the database answers and the loop moves' }],
    settings: ['database', 'loop', 'isolation'],
    scale: { min: 0, max: 2, timeoutSeconds: 45, concurrency: 50 },
  },
  docs: {
    name: 'po-docs',
    ...OPEN,
    endpoints: [
      { method: 'GET', path: '/api/docs', summary: 'Swagger UI' },
      { method: 'GET', path: '/api/redoc', summary: 'ReDoc' },
      { method: 'GET', path: '/api/v1/openapi.json', summary: 'This description' },
      { method: 'GET', path: '/api/assets/{file}', summary: 'Scripts and styles of the two pages' },
    ],
    settings: [],
    scale: { min: 0, max: 2, timeoutSeconds: 45, concurrency: 50 },
  },
  statusReconcile: {
    name: 'po-status-reconcile',
    auth: 'none',
    trigger: 'event',
    slashes: 'both',
    endpoints: [{ method: 'POST', path: '/', summary: 'A tick of the status loop' }],
    settings: ['auth', 'database', 'identity', 'hub', 'runs', 'isolation', 'loop', 'signing', 'logs'],
    kubernetes: [...RUN_WRITE, ...OWNED_LIST, LOGS_READ],
    scale: { min: 1, max: 1, timeoutSeconds: 300, concurrency: 20 },
  },
} as const satisfies Record<string, Route>
