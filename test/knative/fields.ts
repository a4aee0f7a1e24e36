/**
 * Checks that an object has only fields of its kind with the right types. The kinds of Kubernetes come from the models of the
 * client; the fields of Knative, the Gateway API and kustomize that an installation needs are listed here: for a Knative Service
 * those that its webhook accepts without feature flags.
 */
import * as models from '@kubernetes/client-node/dist/gen/models/all.js'

type Type = string | { readonly [field: string]: Type } | readonly [Type]

interface Attribute {
  readonly baseName: string
  readonly type: string
}

const REFERENCE: Type = { apiVersion: 'string', kind: 'string', name: 'string', namespace: 'string' }
const DESTINATION: Type = { ref: REFERENCE, uri: 'string', CACerts: 'string', audience: 'string' }
const KEY: Type = { name: 'string', key: 'string', optional: 'boolean' }
const PROBE: Type = {
  httpGet: { path: 'string', port: 'IntOrString', scheme: 'string', httpHeaders: ['V1HTTPHeader'] },
  tcpSocket: 'V1TCPSocketAction',
  exec: 'V1ExecAction',
  grpc: 'V1GRPCAction',
  failureThreshold: 'number',
  periodSeconds: 'number',
  successThreshold: 'number',
  timeoutSeconds: 'number',
  initialDelaySeconds: 'number',
}

const FUNCTION_CONTAINER: Type = {
  name: 'string',
  image: 'string',
  imagePullPolicy: 'string',
  command: ['string'],
  args: ['string'],
  workingDir: 'string',
  env: [{ name: 'string', value: 'string', valueFrom: { configMapKeyRef: KEY, secretKeyRef: KEY } }],
  envFrom: ['V1EnvFromSource'],
  ports: ['V1ContainerPort'],
  resources: { requests: 'map', limits: 'map' },
  livenessProbe: PROBE,
  readinessProbe: PROBE,
  startupProbe: PROBE,
  volumeMounts: [{ name: 'string', mountPath: 'string', subPath: 'string', readOnly: 'boolean' }],
  securityContext: {
    allowPrivilegeEscalation: 'boolean',
    capabilities: 'V1Capabilities',
    readOnlyRootFilesystem: 'boolean',
    runAsNonRoot: 'boolean',
    runAsUser: 'number',
    seccompProfile: 'V1SeccompProfile',
  },
  terminationMessagePath: 'string',
  terminationMessagePolicy: 'string',
}

const FUNCTION_POD: Type = {
  serviceAccountName: 'string',
  automountServiceAccountToken: 'boolean',
  enableServiceLinks: 'boolean',
  imagePullSecrets: ['V1LocalObjectReference'],
  containers: [FUNCTION_CONTAINER],
  volumes: [
    {
      name: 'string',
      configMap: 'V1ConfigMapVolumeSource',
      secret: 'V1SecretVolumeSource',
      projected: 'V1ProjectedVolumeSource',
      emptyDir: 'V1EmptyDirVolumeSource',
    },
  ],
  containerConcurrency: 'number',
  timeoutSeconds: 'number',
  responseStartTimeoutSeconds: 'number',
  idleTimeoutSeconds: 'number',
}

const PATH_MATCH: Type = { type: 'string', value: 'string' }

const SPECS: Readonly<Record<string, Type>> = {
  'serving.knative.dev/v1 Service': { template: { metadata: 'V1ObjectMeta', spec: FUNCTION_POD }, traffic: ['any'] },
  'sources.knative.dev/v1 ApiServerSource': {
    serviceAccountName: 'string',
    mode: 'string',
    resources: [{ apiVersion: 'string', kind: 'string', selector: 'V1LabelSelector' }],
    sink: DESTINATION,
  },
  'sources.knative.dev/v1 PingSource': {
    schedule: 'string',
    timezone: 'string',
    contentType: 'string',
    data: 'string',
    dataBase64: 'string',
    sink: DESTINATION,
    ceOverrides: { extensions: 'map' },
  },
  'sources.knative.dev/v1 SinkBinding': {
    subject: { ...REFERENCE, selector: 'V1LabelSelector' },
    sink: DESTINATION,
    ceOverrides: { extensions: 'map' },
  },
  'eventing.knative.dev/v1 Broker': { config: REFERENCE, delivery: 'any' },
  'eventing.knative.dev/v1 Trigger': {
    broker: 'string',
    filter: { attributes: 'map' },
    subscriber: DESTINATION,
    delivery: {
      retry: 'number',
      timeout: 'string',
      backoffPolicy: 'string',
      backoffDelay: 'string',
      deadLetterSink: DESTINATION,
    },
  },
  'gateway.networking.k8s.io/v1 HTTPRoute': {
    parentRefs: [{ name: 'string', namespace: 'string', sectionName: 'string', port: 'number' }],
    hostnames: ['string'],
    rules: [
      {
        name: 'string',
        matches: [{ path: PATH_MATCH, method: 'string' }],
        filters: [{ type: 'string', urlRewrite: { hostname: 'string', path: PATH_MATCH } }],
        backendRefs: [{ name: 'string', namespace: 'string', port: 'number', weight: 'number' }],
        timeouts: { request: 'string', backendRequest: 'string' },
      },
    ],
  },
  'gateway.networking.k8s.io/v1beta1 ReferenceGrant': {
    from: [{ group: 'string', kind: 'string', namespace: 'string' }],
    to: [{ group: 'string', kind: 'string', name: 'string' }],
  },
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const SCALARS: Readonly<Record<string, (value: unknown) => boolean>> = {
  any: () => true,
  object: () => true,
  // A schema of its own language; the suites of the API server take it.
  V1JSONSchemaProps: isObject,
  string: (value) => typeof value === 'string',
  number: (value) => typeof value === 'number',
  boolean: (value) => typeof value === 'boolean',
  IntOrString: (value) => typeof value === 'number' || typeof value === 'string',
  map: (value) => isObject(value) && Object.values(value).every((each) => typeof each === 'string'),
}

/** The models write lists and maps as generics. */
function parseType(type: string): Type {
  const item = /^Array<(.+)>$/.exec(type)?.[1]
  if (item) return [parseType(item)]
  return type.startsWith('{') ? 'map' : type
}

function fieldsOf(type: string): Readonly<Record<string, Type>> {
  const model = (models as unknown as Record<string, { getAttributeTypeMap?: () => readonly Attribute[] }>)[type]
  const attributes = model?.getAttributeTypeMap?.()
  if (!attributes) throw new Error(`nothing is known about ${type}`)
  return Object.fromEntries(attributes.map(({ baseName, type: of }) => [baseName, parseType(of)]))
}

function faults(value: unknown, type: Type, path: string): string[] {
  if (Array.isArray(type)) {
    if (!Array.isArray(value)) return [`${path} is no list`]
    return value.flatMap((item, index) => faults(item, (type as readonly [Type])[0], `${path}[${index}]`))
  }
  const scalar = typeof type === 'string' ? SCALARS[type] : undefined
  if (scalar) return scalar(value) ? [] : [`${path} is no ${String(type)}`]
  if (!isObject(value)) return [`${path} is no object`]
  const fields = typeof type === 'string' ? fieldsOf(type) : (type as Readonly<Record<string, Type>>)
  return Object.entries(value).flatMap(([name, field]) => {
    const of = fields[name]
    return of === undefined ? [`${path}.${name} is not known`] : faults(field, of, `${path}.${name}`)
  })
}

export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

/** The faults of an object's fields. */
export function fieldFaults(object: Manifest): string[] {
  const { apiVersion, kind } = object
  const spec = SPECS[`${apiVersion} ${kind}`]
  const type: Type = spec
    ? { apiVersion: 'string', kind: 'string', metadata: 'V1ObjectMeta', spec }
    : `${apiVersion.replace(/^.*\//, '').replace('v', 'V')}${kind}`
  return faults(object, type, kind)
}

/** What the schema of func.yaml knows, as far as a function that was built elsewhere needs it; it takes nothing else. */
const FUNC_YAML: Type = {
  specVersion: 'string',
  name: 'string',
  runtime: 'string',
  registry: 'string',
  image: 'string',
  namespace: 'string',
  created: 'string',
  invoke: 'string',
  domain: 'string',
  build: 'any',
  run: 'any',
  deploy: {
    namespace: 'string',
    image: 'string',
    annotations: 'map',
    labels: [{ key: 'string', value: 'string' }],
    options: 'any',
    healthEndpoints: { liveness: 'string', readiness: 'string' },
    serviceAccountName: 'string',
    subscriptions: ['any'],
  },
}

export const funcFaults = (func: object): string[] => faults(func, FUNC_YAML, 'func.yaml')
