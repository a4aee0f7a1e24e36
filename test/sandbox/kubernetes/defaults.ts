/** Defaults that the API sets; only those that a client reads. */

import { conformed } from './custom-schema.ts'
import { isFields } from './merge.ts'
import { type Kind, type KubeObject, resourceOf } from './objects.ts'

type Fields = Readonly<Record<string, unknown>>

const fields = (value: unknown): Fields => (isFields(value) ? value : {})
const list = (value: unknown): readonly Fields[] => (Array.isArray(value) ? value : [])

export function withDefaults(kind: Kind, object: KubeObject): KubeObject {
  if (kind.custom) return conformed(kind.custom.schema, object)
  const fill = FILL[resourceOf(kind)]
  return fill ? fill(object) : object
}

/** Keeps the object as it is (by identity) when nothing is missing. */
function fill<T extends Fields>(target: T, defaults: Fields): T {
  for (const field in defaults) if (target[field] === undefined) return { ...defaults, ...target }
  return target
}

const FILL: Readonly<Record<string, (object: KubeObject) => KubeObject>> = {
  namespaces: (object) => fill({ ...object, spec: { finalizers: ['kubernetes'] } }, { status: { phase: 'Active' } }),
  secrets: secret,
  services: service,
  pods: (object) => ({ ...object, spec: podSpec(fields(object['spec'])), status: object['status'] ?? PENDING }),
  'deployments.apps': deployment,
  'jobs.batch': job,
  'cronjobs.batch': cronJob,
  'networkpolicies.networking.k8s.io': policy,
}

const PENDING = { phase: 'Pending', qosClass: 'BestEffort' }

/** `stringData` is only ever written. */
function secret(object: KubeObject): KubeObject {
  const { stringData, ...rest } = object
  const typed = fill(rest as KubeObject, { type: 'Opaque' })
  if (!isFields(stringData)) return typed
  const encoded = Object.entries(stringData).map(([key, value]) => [key, Buffer.from(String(value)).toString('base64')])
  return { ...typed, data: { ...fields(typed['data']), ...Object.fromEntries(encoded) } }
}

function service(object: KubeObject): KubeObject {
  const spec = fields(object['spec'])
  const ports = list(spec['ports']).map((port) => fill(port, { protocol: 'TCP', targetPort: port['port'] }))
  const filled = fill({ ...spec, ports }, { type: 'ClusterIP', clusterIP: '127.0.0.1', sessionAffinity: 'None' })
  return fill({ ...object, spec: filled }, { status: { loadBalancer: {} } })
}

const ROLLING = { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } }

function deployment(object: KubeObject): KubeObject {
  const spec = fields(object['spec'])
  const template = fields(spec['template'])
  const filled = fill(
    { ...spec, template: { ...template, spec: podSpec(fields(template['spec'])) } },
    { replicas: 1, strategy: ROLLING, revisionHistoryLimit: 10, progressDeadlineSeconds: 600 },
  )
  return fill({ ...object, spec: filled }, { status: {} })
}

/** A Job finds its pods by its own uid, also where many have one name after another. */
function job(object: KubeObject): KubeObject {
  const spec = fields(object['spec'])
  const template = fields(spec['template'])
  const { uid, name } = object.metadata
  const labels = {
    'batch.kubernetes.io/controller-uid': uid,
    'batch.kubernetes.io/job-name': name,
    'controller-uid': uid,
    'job-name': name,
  }
  const metadata = fields(template['metadata'])
  const filled = fill(
    {
      ...spec,
      template: {
        metadata: { ...metadata, labels: { ...fields(metadata['labels']), ...labels } },
        spec: podSpec(fields(template['spec']), {}),
      },
    },
    {
      parallelism: 1,
      ...(spec['parallelism'] === undefined ? { completions: 1 } : {}),
      completionMode: 'NonIndexed',
      backoffLimit: spec['backoffLimitPerIndex'] === undefined ? 6 : 2_147_483_647,
      suspend: false,
      manualSelector: false,
      podReplacementPolicy: spec['podFailurePolicy'] === undefined ? 'TerminatingOrFailed' : 'Failed',
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': uid } },
    },
  )
  return fill({ ...object, spec: filled }, { status: {} })
}

function cronJob(object: KubeObject): KubeObject {
  const spec = fields(object['spec'])
  const jobTemplate = fields(spec['jobTemplate'])
  const jobSpec = fields(jobTemplate['spec'])
  const template = fields(jobSpec['template'])
  const pod = { ...template, spec: podSpec(fields(template['spec']), {}) }
  const filled = fill(
    { ...spec, jobTemplate: { ...jobTemplate, spec: { ...jobSpec, template: pod } } },
    { concurrencyPolicy: 'Allow', suspend: false, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1 },
  )
  return fill({ ...object, spec: filled }, { status: {} })
}

/** A Job says itself what becomes of containers that end. */
function podSpec(spec: Fields, more: Fields = { restartPolicy: 'Always' }): Fields {
  const init = list(spec['initContainers'])
  return fill(
    {
      ...spec,
      ...(init.length > 0 ? { initContainers: init.map(container) } : {}),
      containers: list(spec['containers']).map(container),
    },
    {
      ...more,
      terminationGracePeriodSeconds: 30,
      dnsPolicy: 'ClusterFirst',
      schedulerName: 'default-scheduler',
      securityContext: {},
    },
  )
}

function container(spec: Fields): Fields {
  const ports = list(spec['ports']).map((port) => fill(port, { protocol: 'TCP' }))
  const image = String(spec['image'] ?? '')
  const latest = !image.includes('@') && (!/:[^/]+$/.test(image) || image.endsWith(':latest'))
  return fill(ports.length > 0 ? { ...spec, ports } : spec, {
    imagePullPolicy: latest ? 'Always' : 'IfNotPresent',
    resources: {},
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
  })
}

function policy(object: KubeObject): KubeObject {
  const spec = fields(object['spec'])
  const types = spec['egress'] === undefined ? ['Ingress'] : ['Ingress', 'Egress']
  return { ...object, spec: fill(spec, { podSelector: {}, policyTypes: types }) }
}
