/** The digital-twin half of THE table: see `routes.ts`. May import nothing but its types. */
import type { KubernetesGrant, Route } from './routes.ts'

const PODS_READ: KubernetesGrant = { apiGroup: '', resources: ['pods'], verbs: ['list'] }
const LOGS_READ: KubernetesGrant = { apiGroup: '', resources: ['pods/log'], verbs: ['get'] }

/** What the API does with the resource of a service. */
const ANALYTICS_MAKE: KubernetesGrant = {
  apiGroup: 'eng.cam.ac.uk',
  resources: ['analytics'],
  verbs: ['create', 'delete'],
}
const ANALYTICS_DELETE: KubernetesGrant = { apiGroup: 'eng.cam.ac.uk', resources: ['analytics'], verbs: ['delete'] }

/** What seeing to services takes. */
const TWINS_KEEP: readonly KubernetesGrant[] = [
  { apiGroup: 'eng.cam.ac.uk', resources: ['analytics'], verbs: ['get', 'list', 'patch', 'delete'] },
  { apiGroup: 'eng.cam.ac.uk', resources: ['analytics/status'], verbs: ['patch'] },
  // Who owns an object and keeps its owner from going must be able to set the owner's finalizers.
  { apiGroup: 'eng.cam.ac.uk', resources: ['analytics/finalizers'], verbs: ['update'] },
  { apiGroup: 'batch', resources: ['jobs', 'cronjobs'], verbs: ['list', 'create', 'patch'] },
  { apiGroup: 'serving.knative.dev', resources: ['services'], verbs: ['list', 'create', 'patch'] },
  { apiGroup: 'apps', resources: ['deployments'], verbs: ['list', 'create', 'patch'] },
  { apiGroup: '', resources: ['secrets', 'services'], verbs: ['create', 'patch'] },
  { apiGroup: 'networking.k8s.io', resources: ['networkpolicies'], verbs: ['get', 'create', 'patch'] },
  PODS_READ,
  LOGS_READ,
]

/** What clients of a digital twin have before each path, whereas pods inside the cluster leave it out. */
const TWIN_PREFIX = '/api/orchestrator/{VERSION}'

export const twinRoutes = {
  serviceList: {
    name: 'dt-service-list',
    auth: 'twin',
    trigger: 'http',
    prefix: TWIN_PREFIX,
    endpoints: [
      { method: 'GET', path: '/service/', summary: 'Services, oldest first', operationId: 'core-list_services' },
    ],
    settings: ['auth', 'twins', 'database'],
    kubernetes: [],
    scale: { min: 1, max: 10, timeoutSeconds: 45, concurrency: 50 },
  },
  serviceLaunch: {
    name: 'dt-service-launch',
    auth: 'twin',
    trigger: 'http',
    prefix: TWIN_PREFIX,
    endpoints: [
      { method: 'POST', path: '/service/launch', summary: 'Launch a service', operationId: 'core-launch_service' },
    ],
    settings: ['auth', 'twins', 'database', 'runs', 'loop'],
    kubernetes: [ANALYTICS_MAKE],
    scale: { min: 0, max: 10, timeoutSeconds: 60, concurrency: 20 },
  },
  serviceStatus: {
    name: 'dt-service-status',
    auth: 'twin',
    trigger: 'http',
    prefix: TWIN_PREFIX,
    endpoints: [
      {
        method: 'GET',
        path: '/service/{id}/status',
        summary: 'State of a service, and its output files',
        operationId: 'core-service_status',
      },
    ],
    settings: ['auth', 'twins', 'database'],
    kubernetes: [],
    scale: { min: 0, max: 10, timeoutSeconds: 45, concurrency: 50 },
  },
  serviceRuns: {
    name: 'dt-service-runs',
    auth: 'twin',
    trigger: 'http',
    prefix: TWIN_PREFIX,
    endpoints: [
      { method: 'GET', path: '/service/{id}/runs', summary: 'Runs of a service', operationId: 'core-service_runs' },
    ],
    settings: ['auth', 'twins', 'database'],
    kubernetes: [],
    scale: { min: 0, max: 5, timeoutSeconds: 45, concurrency: 20 },
  },
  serviceLogs: {
    name: 'dt-service-logs',
    auth: 'twin',
    trigger: 'http',
    prefix: TWIN_PREFIX,
    endpoints: [
      {
        method: 'GET',
        path: '/service/{id}/logs',
        summary: 'What the runs of a service wrote last',
        operationId: 'core-service_logs',
      },
    ],
    settings: ['auth', 'twins', 'database', 'runs'],
    kubernetes: [PODS_READ, LOGS_READ],
    scale: { min: 0, max: 5, timeoutSeconds: 60, concurrency: 5 },
  },
  serviceTerminate: {
    name: 'dt-service-terminate',
    auth: 'twin',
    trigger: 'http',
    prefix: TWIN_PREFIX,
    endpoints: [
      {
        method: 'DELETE',
        path: '/service/{id}/terminate',
        summary: 'End a service and forget it',
        operationId: 'core-terminate_service',
      },
    ],
    settings: ['auth', 'twins', 'database', 'runs'],
    kubernetes: [ANALYTICS_DELETE],
    scale: { min: 0, max: 10, timeoutSeconds: 60, concurrency: 20 },
  },
  reconcile: {
    name: 'dt-reconcile',
    auth: 'none',
    trigger: 'event',
    endpoints: [{ method: 'POST', path: '/', summary: 'A tick of the loop, or an event about a service' }],
    settings: ['twins', 'database', 'runs', 'loop', 'tokens', 'services', 'outputs'],
    kubernetes: TWINS_KEEP,
    scale: { min: 1, max: 1, timeoutSeconds: 300, concurrency: 20 },
  },
  healthz: {
    name: 'dt-healthz',
    auth: 'none',
    trigger: 'http',
    prefix: TWIN_PREFIX,
    endpoints: [{ method: 'GET', path: '/healthz', summary: 'Whether the API answers', operationId: 'root-healthz' }],
    settings: ['twins'],
    kubernetes: [],
    scale: { min: 0, max: 2, timeoutSeconds: 45, concurrency: 50 },
  },
  docs: {
    name: 'dt-docs',
    auth: 'none',
    trigger: 'http',
    prefix: TWIN_PREFIX,
    endpoints: [
      { method: 'GET', path: '/docs', summary: 'Swagger UI' },
      { method: 'GET', path: '/redoc', summary: 'ReDoc' },
      { method: 'GET', path: '/openapi.json', summary: 'This description' },
      { method: 'GET', path: '/docs/assets/{file}', summary: 'Scripts and styles of the two pages' },
    ],
    settings: ['twins'],
    kubernetes: [],
    scale: { min: 0, max: 2, timeoutSeconds: 45, concurrency: 50 },
  },
  serviceOutput: {
    name: 'dt-service-output',
    auth: 'twin',
    trigger: 'http',
    prefix: TWIN_PREFIX,
    endpoints: [
      {
        method: 'GET',
        path: '/service/{id}/output/{idx}',
        summary: 'One output of a service, as the run wrote it',
        operationId: 'core-service_output',
      },
    ],
    settings: ['auth', 'twins', 'database'],
    kubernetes: [],
    scale: { min: 0, max: 10, timeoutSeconds: 600, concurrency: 10 },
  },
  fileList: {
    name: 'dt-file-list',
    auth: 'twin',
    trigger: 'http',
    prefix: TWIN_PREFIX,
    endpoints: [{ method: 'GET', path: '/files', summary: 'Files, in order', operationId: 'files-list_files' }],
    settings: ['auth', 'database', 'twins'],
    kubernetes: [],
    scale: { min: 0, max: 10, timeoutSeconds: 45, concurrency: 20 },
  },
  fileUpload: {
    name: 'dt-file-upload',
    auth: 'twin',
    trigger: 'http',
    prefix: TWIN_PREFIX,
    body: 'stream',
    endpoints: [{ method: 'POST', path: '/files/upload', summary: 'Store a file', operationId: 'files-upload_file' }],
    settings: ['auth', 'database', 'twins', 'files'],
    kubernetes: [],
    scale: { min: 0, max: 10, timeoutSeconds: 600, concurrency: 10 },
  },
  fileGet: {
    name: 'dt-file-get',
    auth: 'twin',
    trigger: 'http',
    prefix: TWIN_PREFIX,
    endpoints: [
      { method: 'GET', path: '/files/{file_id}', summary: 'A file, or a part', operationId: 'files-get_file' },
      { method: 'HEAD', path: '/files/{file_id}', summary: 'What a GET has', operationId: 'files-head_file' },
    ],
    settings: ['auth', 'database', 'twins', 'files'],
    kubernetes: [],
    scale: { min: 0, max: 10, timeoutSeconds: 600, concurrency: 10 },
  },
  fileReplace: {
    name: 'dt-file-replace',
    auth: 'twin',
    trigger: 'http',
    prefix: TWIN_PREFIX,
    body: 'stream',
    endpoints: [
      { method: 'PUT', path: '/files/{file_id}', summary: 'Other content', operationId: 'files-replace_file' },
    ],
    settings: ['auth', 'database', 'twins', 'files'],
    kubernetes: [],
    scale: { min: 0, max: 10, timeoutSeconds: 600, concurrency: 10 },
  },
  fileDelete: {
    name: 'dt-file-delete',
    auth: 'twin',
    trigger: 'http',
    prefix: TWIN_PREFIX,
    endpoints: [
      { method: 'DELETE', path: '/files/{file_id}', summary: 'Delete a file', operationId: 'files-delete_file' },
    ],
    settings: ['auth', 'database', 'twins'],
    kubernetes: [],
    scale: { min: 0, max: 10, timeoutSeconds: 45, concurrency: 20 },
  },
  runInput: {
    name: 'dt-run-input',
    auth: 'service',
    trigger: 'http',
    prefix: TWIN_PREFIX,
    endpoints: [
      { method: 'GET', path: '/run/{service_id}/inputs', summary: 'What a run finds below /input' },
      { method: 'GET', path: '/run/{service_id}/inputs/{sha256}', summary: 'One of these contents' },
    ],
    settings: ['database', 'twins', 'files', 'tokens'],
    kubernetes: [],
    scale: { min: 0, max: 20, timeoutSeconds: 600, concurrency: 10 },
  },
  runOutput: {
    name: 'dt-run-output',
    auth: 'service',
    trigger: 'http',
    prefix: TWIN_PREFIX,
    body: 'stream',
    endpoints: [
      { method: 'GET', path: '/run/{service_id}/outputs', summary: 'What was taken of a run so far' },
      { method: 'PUT', path: '/run/{service_id}/outputs/{path+}', summary: 'Bring one file that a run left' },
      { method: 'POST', path: '/run/{service_id}/outputs', summary: 'Say that a run is complete, or why it is not' },
    ],
    settings: ['database', 'twins', 'files', 'tokens', 'outputs'],
    kubernetes: [],
    scale: { min: 0, max: 20, timeoutSeconds: 600, concurrency: 10 },
  },
} as const satisfies Record<string, Route>
