/** What the API refuses: bad names, labels, unknown kinds of bodies, and the few fields that PO could get wrong. */

import { scheduleFault } from './cron-jobs.ts'
import { definitionFaults } from './custom-kinds.ts'
import { schemaFaults } from './custom-schema.ts'
import { badRequest, type Cause, invalid } from './failure.ts'
import { assertServable } from './knative-services.ts'
import { equal, isFields } from './merge.ts'
import { apiVersionOf, type Kind, type KubeObject, resourceOf } from './objects.ts'
import { hasLabels } from './selectors.ts'

const LABEL_NAME = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/
const VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/
const KEY_NAME = /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/

const bad = (field: string, value: unknown, why: string): Cause => ({
  reason: 'FieldValueInvalid',
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
  field,
})
const missing = (field: string): Cause => ({ reason: 'FieldValueRequired', message: 'Required value', field })
const forbidden = (field: string, why: string): Cause => ({
  reason: 'FieldValueForbidden',
  message: `Forbidden: ${why}`,
  field,
})

/** The body as an object of this kind. Where it does not say so, the path does (but for an apply). */
export function bodyOf(kind: Kind, body: unknown, mayLackKind: boolean): KubeObject {
  if (!isFields(body) || !isFields(body['metadata'] ?? {})) throw badRequest('the body is not a Kubernetes object')
  const expected = { apiVersion: apiVersionOf(kind), kind: kind.kind }
  const full = mayLackKind ? { ...expected, ...body } : body
  if (full['kind'] !== expected.kind || full['apiVersion'] !== expected.apiVersion) {
    const said = `${full['apiVersion'] ?? ''}, Kind=${full['kind'] ?? ''}`
    throw badRequest(`the object provided is ${said}, not ${expected.apiVersion}, Kind=${expected.kind}`)
  }
  return full as unknown as KubeObject
}

export function validate(kind: Kind, object: KubeObject): void {
  if (kind.group === 'serving.knative.dev') assertServable(object)
  const causes = [
    ...nameFaults(kind, object.metadata.name),
    ...labelFaults(object),
    ...ownerFaults(object),
    ...(kind.custom ? schemaFaults(kind.custom.schema, object) : (SPECS[resourceOf(kind)]?.(object) ?? [])),
  ]
  if (causes.length > 0) throw invalid(kind, object.metadata.name, causes)
}

/** What of an object cannot become another. */
export function validateUpdate(kind: Kind, live: KubeObject, next: KubeObject): void {
  if (kind.kind !== 'Deployment' && kind.kind !== 'ReplicaSet') return
  const [before, after] = [live, next].map((object) => (object['spec'] as { selector?: unknown }).selector)
  if (equal(before, after)) return
  throw invalid(kind, live.metadata.name, [bad('spec.selector', after, 'field is immutable')])
}

function nameFaults(kind: Kind, name: string | undefined): Cause[] {
  if (!name) return [{ ...missing('metadata.name'), message: 'Required value: name or generateName is required' }]
  const [pattern, limit, what] = kind.label
    ? ([LABEL_NAME, 63, 'label'] as const)
    : ([SUBDOMAIN, 253, 'subdomain'] as const)
  if (name.length > limit) return [bad('metadata.name', name, `must be no more than ${limit} bytes`)]
  return pattern.test(name) ? [] : [bad('metadata.name', name, `a lowercase RFC 1123 ${what} is expected`)]
}

function labelFaults({ metadata }: KubeObject): Cause[] {
  return Object.entries(metadata.labels ?? {}).flatMap(([key, value]) => {
    const slash = key.indexOf('/')
    const [prefix, name] = slash < 0 ? ['x', key] : [key.slice(0, slash), key.slice(slash + 1)]
    const keyOk = SUBDOMAIN.test(prefix) && name.length <= 63 && KEY_NAME.test(name)
    const valueOk = typeof value === 'string' && value.length <= 63 && VALUE.test(value)
    return [
      ...(keyOk ? [] : [bad('metadata.labels', key, 'a qualified name is expected')]),
      ...(valueOk ? [] : [bad('metadata.labels', value, 'a valid label value of at most 63 characters is expected')]),
    ]
  })
}

const ownerFaults = ({ metadata }: KubeObject): Cause[] =>
  (metadata.ownerReferences ?? []).flatMap((owner, at) =>
    (['apiVersion', 'kind', 'name', 'uid'] as const)
      .filter((field) => !owner[field])
      .map((field) => missing(`metadata.ownerReferences[${at}].${field}`)),
  )

const SPECS: Readonly<Record<string, (object: KubeObject) => Cause[]>> = {
  secrets: secretFaults,
  configmaps: keyFaults,
  'deployments.apps': deploymentFaults,
  'jobs.batch': (object) => jobFaults(object['spec'], 'spec'),
  'cronjobs.batch': cronJobFaults,
  services: serviceFaults,
  pods: (object) => [...containerFaults(object['spec'], 'spec'), ...imageFaults(object['spec'] as Pod)],
  'customresourcedefinitions.apiextensions.k8s.io': definitionFaults,
}

const entriesOf = (object: KubeObject): [string, string][] =>
  Object.entries((object['data'] as Record<string, string> | undefined) ?? {})

const DATA_KEY = /^[-._a-zA-Z0-9]{1,253}$/

function keyFaults(object: KubeObject): Cause[] {
  const keys = entriesOf(object).filter(([key]) => !DATA_KEY.test(key))
  return keys.map(([key]) => bad(`data[${key}]`, key, 'a valid config key is expected'))
}

function secretFaults(object: KubeObject): Cause[] {
  const values = entriesOf(object).flatMap(([key, value]) =>
    Buffer.from(value, 'base64').toString('base64') === value ? [] : [bad(`data[${key}]`, '…', 'illegal base64 data')],
  )
  return [...keyFaults(object), ...values]
}

interface Template {
  readonly metadata?: { readonly labels?: Readonly<Record<string, string>> }
  readonly spec?: unknown
}

function deploymentFaults(object: KubeObject): Cause[] {
  const spec = object['spec'] as
    | { selector?: { matchLabels?: Record<string, string> }; template?: Template; strategy?: Strategy }
    | undefined
  if (!spec?.selector) return [missing('spec.selector')]
  const matches = hasLabels(spec.template?.metadata?.labels, spec.selector.matchLabels ?? {})
  return [
    ...(matches
      ? []
      : [
          bad(
            'spec.template.metadata.labels',
            spec.template?.metadata?.labels,
            '`selector` does not match template `labels`',
          ),
        ]),
    ...(spec.strategy?.type === 'Recreate' && spec.strategy.rollingUpdate
      ? [forbidden('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'")]
      : []),
    ...containerFaults(spec.template?.spec, 'spec.template.spec'),
  ]
}

interface Strategy {
  readonly type?: string
  readonly rollingUpdate?: unknown
}

interface Job {
  readonly completions?: number
  readonly completionMode?: string
  readonly backoffLimitPerIndex?: number
  readonly maxFailedIndexes?: number
  readonly template?: { readonly spec?: { readonly restartPolicy?: string } }
}

function jobFaults(value: unknown, field: string): Cause[] {
  const spec = (value ?? {}) as Job
  const policy = spec.template?.spec?.restartPolicy ?? ''
  const isIndexed = spec.completionMode === 'Indexed'
  const needsIndexes = (['backoffLimitPerIndex', 'maxFailedIndexes'] as const).filter(
    (name) => spec[name] !== undefined && !isIndexed,
  )
  return [
    ...(isIndexed && spec.completions === undefined
      ? [{ ...missing(`${field}.completions`), message: `Required value: when completion mode is Indexed` }]
      : []),
    ...needsIndexes.map((name) => bad(`${field}.${name}`, spec[name], 'requires indexed completion mode')),
    ...(['OnFailure', 'Never'].includes(policy)
      ? []
      : [
          {
            ...missing(`${field}.template.spec.restartPolicy`),
            message: 'Required value: valid values: "OnFailure", "Never"',
          },
        ]),
    ...containerFaults(spec.template?.spec, `${field}.template.spec`),
  ]
}

/** Its Jobs are named after it and the minute. */
const CRON_JOB_NAME = 52

function cronJobFaults({ metadata, spec: value }: KubeObject): Cause[] {
  const spec = (value ?? {}) as { schedule?: string; timeZone?: string; jobTemplate?: { spec?: unknown } }
  const fault = spec.schedule ? scheduleFault(spec.schedule, spec.timeZone) : undefined
  return [
    ...(metadata.name.length > CRON_JOB_NAME
      ? [bad('metadata.name', metadata.name, `must be no more than ${CRON_JOB_NAME} characters`)]
      : []),
    ...(spec.schedule ? [] : [missing('spec.schedule')]),
    ...(fault === undefined ? [] : [bad('spec.schedule', spec.schedule, fault)]),
    ...jobFaults(spec.jobTemplate?.spec, 'spec.jobTemplate.spec'),
  ]
}

/** Fields of a spec that stay as they were made. */
const FIXED: Readonly<Record<string, readonly string[]>> = {
  'jobs.batch': ['template', 'selector', 'completionMode', 'backoffLimitPerIndex'],
}

export function assertFixed(kind: Kind, live: KubeObject, next: KubeObject): void {
  const [before, after] = [live, next].map((one) => (one['spec'] ?? {}) as Record<string, unknown>)
  const changed = (FIXED[resourceOf(kind)] ?? []).filter((field) => !equal(before?.[field], after?.[field]))
  const causes = changed.map((field) => bad(`spec.${field}`, after?.[field] ?? null, 'field is immutable'))
  if (causes.length > 0) throw invalid(kind, live.metadata.name, causes)
}

interface Container {
  readonly name?: string
  readonly image?: string
  readonly env?: readonly { readonly value?: string; readonly valueFrom?: unknown }[]
  readonly volumeMounts?: readonly { readonly name?: string }[]
}

interface Pod {
  readonly initContainers?: readonly Container[]
  readonly containers?: readonly Container[]
  readonly volumes?: readonly { readonly name?: string }[]
}

function containerFaults(value: unknown, field: string): Cause[] {
  const spec = (value ?? {}) as Pod
  if (!spec.containers?.length) return [missing(`${field}.containers`)]
  return [
    ...eachContainer(spec, spec.initContainers ?? [], `${field}.initContainers`),
    ...eachContainer(spec, spec.containers, `${field}.containers`),
  ]
}

/** Of pods alone: templates of them are taken with such names. */
const imageFaults = ({ initContainers = [], containers = [] }: Pod): Cause[] =>
  Object.entries({ initContainers, containers }).flatMap(([field, some]) =>
    some.flatMap(({ image = '' }, at) =>
      image === image.trim()
        ? []
        : [bad(`spec.${field}[${at}].image`, image, 'must not have leading or trailing whitespace')],
    ),
  )

function eachContainer(pod: Pod, containers: readonly Container[], field: string): Cause[] {
  const volumes = new Set((pod.volumes ?? []).map(({ name }) => name))
  return containers.flatMap((container, at) => [
    ...(container.name && container.name.length <= 63 && LABEL_NAME.test(container.name)
      ? []
      : [bad(`${field}[${at}].name`, container.name, 'a lowercase RFC 1123 label is expected')]),
    ...(container.image ? [] : [missing(`${field}[${at}].image`)]),
    ...(container.env ?? []).flatMap(({ value, valueFrom }, entry) =>
      value && valueFrom
        ? [bad(`${field}[${at}].env[${entry}].valueFrom`, '', 'may not be specified when `value` is not empty')]
        : [],
    ),
    ...(container.volumeMounts ?? [])
      .filter(({ name }) => !volumes.has(name))
      .map(({ name }, mount) => ({
        reason: 'FieldValueNotFound',
        message: `Not found: ${JSON.stringify(name)}`,
        field: `${field}[${at}].volumeMounts[${mount}].name`,
      })),
  ])
}

function serviceFaults(object: KubeObject): Cause[] {
  const spec = object['spec'] as { ports?: readonly { port?: unknown }[] } | undefined
  if (!spec?.ports?.length) return [missing('spec.ports')]
  return spec.ports.flatMap(({ port }, at) =>
    typeof port === 'number' && Number.isInteger(port) && port > 0 && port < 65_536
      ? []
      : [bad(`spec.ports[${at}].port`, port, 'must be between 1 and 65535, inclusive')],
  )
}
