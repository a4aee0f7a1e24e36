/** The functions of the digital-twin orchestrator. */
import { LOGS_READ, PODS_READ } from './grants.ts'
import type { KubernetesGrant, Route } from './route.ts'

/** To create the resource of a service, and to delete it when the launch was abandoned meanwhile. */
const LAUNCH = { apiGroup: 'eng.cam.ac.uk', resources: ['analytics'], verbs: ['create', 'delete'] } as const
const TERMINATE = { apiGroup: 'eng.cam.ac.uk', resources: ['analytics'], verbs: ['delete'] } as const

/** To reconcile services. */
const RECONCILE: readonly KubernetesGrant[] = [
  { apiGroup: 'eng.cam.ac.uk', resources: ['analytics'], verbs: ['get', 'list', 'patch', 'delete'] },
  { apiGroup: 'eng.cam.ac.uk', resources: ['analytics/status'], verbs: ['patch'] },
  // An object whose owner reference blocks the owner's deletion needs this permission on the owner.
  { apiGroup: 'eng.cam.ac.uk', resources: ['analytics/finalizers'], verbs: ['update'] },
  { apiGroup: 'batch', resources: ['jobs', 'cronjobs'], verbs: ['list', 'create', 'patch'] },
  { apiGroup: 'serving.knative.dev', resources: ['services'], verbs: ['list', 'create', 'patch'] },
  { apiGroup: 'apps', resources: ['deployments'], verbs: ['list', 'create', 'patch'] },
  { apiGroup: '', resources: ['secrets', 'services'], verbs: ['create', 'patch'] },
  { apiGroup: 'networking.k8s.io', resources: ['networkpolicies'], verbs: ['get', 'create', 'patch'] },
  PODS_READ,
  LOGS_READ,
]

/** Clients of a digital twin use the prefix, pods of the cluster do not. */
const API = {
  trigger: 'http',
  prefix: '/api/orchestrator/{VERSION}',
  cors: 'DT_CORS_ORIGINS',
  slashes: 'redirect',
  kubernetes: [],
} as const
const CALLERS = { ...API, auth: 'dt', openBy: 'DT_AUTH' } as const
/** Probes do not follow redirects. */
const OPEN = { ...API, auth: 'none', slashes: 'both' } as const
const RUNS = { ...API, auth: 'service' } as const

export const dt = {
  serviceList: {
    name: 'dt-service-list',
    ...CALLERS,
    endpoints: [
      { method: 'GET', path: '/service/', summary: 'Services, oldest first', operationId: 'core-list_services' },
    ],
    settings: ['auth', 'dt', 'database'],
    scale: { min: 1, max: 10, timeoutSeconds: 45, concurrency: 50 },
  },
  serviceLaunch: {
    name: 'dt-service-launch',
    ...CALLERS,
    endpoints: [
      { method: 'POST', path: '/service/launch', summary: 'Launch a service', operationId: 'core-launch_service' },
    ],
    settings: ['auth', 'dt', 'database', 'runs', 'loop'],
    kubernetes: [LAUNCH],
    scale: { min: 0, max: 10, timeoutSeconds: 60, concurrency: 20 },
  },
  serviceStatus: {
    name: 'dt-service-status',
    ...CALLERS,
    endpoints: [
      {
        method: 'GET',
        path: '/service/{id}/status',
        summary: 'State of a service, and its output files',
        operationId: 'core-service_status',
      },
    ],
    settings: ['auth', 'dt', 'database'],
    scale: { min: 0, max: 10, timeoutSeconds: 45, concurrency: 50 },
  },
  serviceRuns: {
    name: 'dt-service-runs',
    ...CALLERS,
    endpoints: [
      { method: 'GET', path: '/service/{id}/runs', summary: 'Runs of a service', operationId: 'core-service_runs' },
    ],
    settings: ['auth', 'dt', 'database'],
    scale: { min: 0, max: 5, timeoutSeconds: 45, concurrency: 20 },
  },
  serviceLogs: {
    name: 'dt-service-logs',
    ...CALLERS,
    endpoints: [
      {
        method: 'GET',
        path: '/service/{id}/logs',
        summary: 'What the runs of a service wrote last',
        operationId: 'core-service_logs',
      },
    ],
    settings: ['auth', 'dt', 'database', 'runs'],
    kubernetes: [PODS_READ, LOGS_READ],
    scale: { min: 0, max: 5, timeoutSeconds: 60, concurrency: 5 },
  },
  serviceTerminate: {
    name: 'dt-service-terminate',
    ...CALLERS,
    endpoints: [
      {
        method: 'DELETE',
        path: '/service/{id}/terminate',
        summary: 'End a service and forget it',
        operationId: 'core-terminate_service',
      },
    ],
    settings: ['auth', 'dt', 'database', 'runs'],
    kubernetes: [TERMINATE],
    scale: { min: 0, max: 10, timeoutSeconds: 60, concurrency: 20 },
  },
  reconcile: {
    name: 'dt-reconcile',
    auth: 'none',
    trigger: 'event',
    slashes: 'both',
    endpoints: [{ method: 'POST', path: '/', summary: 'A tick of the loop, or an event about a service' }],
    settings: ['dt', 'database', 'runs', 'loop', 'tokens', 'services', 'outputs'],
    kubernetes: RECONCILE,
    scale: { min: 1, max: 1, timeoutSeconds: 300, concurrency: 20 },
  },
  healthz: {
    name: 'dt-healthz',
    ...OPEN,
    endpoints: [{ method: 'GET', path: '/healthz', summary: 'Whether the API answers', operationId: 'root-healthz' }],
    settings: ['dt'],
    scale: { min: 0, max: 2, timeoutSeconds: 45, concurrency: 50 },
  },
  docs: {
    name: 'dt-docs',
    ...OPEN,
    openBy: 'DT_AUTH',
    endpoints: [
      { method: 'GET', path: '/docs', summary: 'Swagger UI' },
      { method: 'GET', path: '/redoc', summary: 'ReDoc' },
      { method: 'GET', path: '/openapi.json', summary: 'This description' },
      { method: 'GET', path: '/docs/assets/{file}', summary: 'Scripts and styles of the two pages' },
    ],
    settings: ['dt'],
    scale: { min: 0, max: 2, timeoutSeconds: 45, concurrency: 50 },
  },
  serviceOutput: {
    name: 'dt-service-output',
    ...CALLERS,
    endpoints: [
      {
        method: 'GET',
        path: '/service/{id}/output/{idx}',
        summary: 'One output of a service, as the run wrote it',
        operationId: 'core-service_output',
      },
    ],
    settings: ['auth', 'dt', 'database'],
    scale: { min: 0, max: 10, timeoutSeconds: 600, concurrency: 10 },
  },
  fileList: {
    name: 'dt-file-list',
    ...CALLERS,
    endpoints: [{ method: 'GET', path: '/files', summary: 'Files, in order', operationId: 'files-list_files' }],
    settings: ['auth', 'database', 'dt'],
    scale: { min: 0, max: 10, timeoutSeconds: 45, concurrency: 20 },
  },
  fileUpload: {
    name: 'dt-file-upload',
    ...CALLERS,
    body: 'stream',
    endpoints: [{ method: 'POST', path: '/files/upload', summary: 'Store a file', operationId: 'files-upload_file' }],
    settings: ['auth', 'database', 'dt', 'files'],
    scale: { min: 0, max: 10, timeoutSeconds: 600, concurrency: 10 },
  },
  fileGet: {
    name: 'dt-file-get',
    ...CALLERS,
    endpoints: [
      { method: 'GET', path: '/files/{file_id}', summary: 'A file, or a part', operationId: 'files-get_file' },
      { method: 'HEAD', path: '/files/{file_id}', summary: 'What a GET has', operationId: 'files-head_file' },
    ],
    settings: ['auth', 'database', 'dt', 'files'],
    scale: { min: 0, max: 10, timeoutSeconds: 600, concurrency: 10 },
  },
  fileReplace: {
    name: 'dt-file-replace',
    ...CALLERS,
    body: 'stream',
    endpoints: [
      { method: 'PUT', path: '/files/{file_id}', summary: 'Other content', operationId: 'files-replace_file' },
    ],
    settings: ['auth', 'database', 'dt', 'files'],
    scale: { min: 0, max: 10, timeoutSeconds: 600, concurrency: 10 },
  },
  fileDelete: {
    name: 'dt-file-delete',
    ...CALLERS,
    endpoints: [
      { method: 'DELETE', path: '/files/{file_id}', summary: 'Delete a file', operationId: 'files-delete_file' },
    ],
    settings: ['auth', 'database', 'dt'],
    scale: { min: 0, max: 10, timeoutSeconds: 45, concurrency: 20 },
  },
  runInput: {
    name: 'dt-run-input',
    ...RUNS,
    endpoints: [
      { method: 'GET', path: '/run/{service_id}/inputs', summary: 'What a run finds below /input' },
      { method: 'GET', path: '/run/{service_id}/inputs/{sha256}', summary: 'One of these contents' },
    ],
    settings: ['database', 'dt', 'files', 'tokens'],
    scale: { min: 0, max: 20, timeoutSeconds: 600, concurrency: 10 },
  },
  runOutput: {
    name: 'dt-run-output',
    ...RUNS,
    body: 'stream',
    endpoints: [
      { method: 'GET', path: '/run/{service_id}/outputs', summary: 'What was taken of a run so far' },
      { method: 'PUT', path: '/run/{service_id}/outputs/{path+}', summary: 'Bring one file that a run left' },
      { method: 'POST', path: '/run/{service_id}/outputs', summary: 'Say that a run is complete, or why it is not' },
    ],
    settings: ['database', 'dt', 'files', 'tokens', 'outputs'],
    scale: { min: 0, max: 20, timeoutSeconds: 600, concurrency: 10 },
  },
} as const satisfies Record<string, Route>
