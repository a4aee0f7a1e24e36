/**
 * Admission policies that restrict functions beyond their roles, because a Role can neither name objects that are created at
 * run time nor check their fields. An account of a function may write only objects of analyses, or of services. Pods that it
 * creates get no service account, no access to the host, and only their own Secrets.
 *
 * The policies are cluster-scoped and match only the accounts of functions, in any namespace. In the CEL expressions, `own` is
 * the pattern of names that an account may write, and `id` is that of the object's analysis or service.
 */
import { createHash } from 'node:crypto'
import * as dt from '../../shared/dt/names.ts'
import { COMPONENT as DT, LABEL as DT_LABEL } from '../../shared/dt/names.ts'
import type { ObjectOf, V1 } from '../../shared/platform/objects.ts'
import { COMPONENT, OBJECT_PATTERN, PROBE_NAME, STANDING_POLICY_NAME } from '../../shared/po/names.ts'
import { allRoutes } from '../../shared/routes/index.ts'
import { all, each, none, off, quoted } from './cel.ts'
import { PART_OF } from './labels.ts'
import { isGranted } from './rbac.ts'

const API_VERSION = 'admissionregistration.k8s.io/v1'
/** Annotation with a digest of the spec. A deployment compares it with the policies in the cluster. */
export const DIGEST = `${PART_OF}/digest`

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const SERVICE_ID = '[0-9a-f]{24}'
const DT_OBJECT = `^(dt-)?${SERVICE_ID}(-[a-z0-9-]+)?$`

interface Rule {
  readonly apiGroup: string
  readonly version: string
  readonly resources: readonly string[]
}

const CORE = (...resources: string[]): Rule => ({ apiGroup: '', version: 'v1', resources })
const DEPLOYMENTS: Rule = { apiGroup: 'apps', version: 'v1', resources: ['deployments'] }
const JOBS: Rule = { apiGroup: 'batch', version: 'v1', resources: ['jobs', 'cronjobs'] }
const SERVING: Rule = { apiGroup: 'serving.knative.dev', version: 'v1', resources: ['services'] }
const POLICIES: Rule = { apiGroup: 'networking.k8s.io', version: 'v1', resources: ['networkpolicies'] }

interface Validation {
  readonly expression: string
  readonly message: string
}

interface Policy {
  readonly name: string
  readonly rules: readonly Rule[]
  readonly operations: readonly ('CREATE' | 'UPDATE' | 'DELETE')[]
  readonly variables?: Readonly<Record<string, string>>
  readonly validations: readonly Validation[]
}

const ACCOUNTS = allRoutes.filter(isGranted).map(({ name }) => name)

/** Matches accounts of functions in the namespace that they write to. */
const byFunctions = `${quoted(ACCOUNTS)}.exists(account, request.userInfo.username == "system:serviceaccount:" + request.namespace + ":" + account)`

const OF_ALL = {
  name: 'object == null ? request.name : object.metadata.name',
  ofDt: 'request.userInfo.username.matches(":dt-[a-z-]+$")',
  own: `variables.ofDt ? ${quoted(DT_OBJECT)} : ${quoted(`${OBJECT_PATTERN}|^${PROBE_NAME}$`)}`,
  id: `variables.name == ${quoted(PROBE_NAME)} ? variables.name : variables.name.find(variables.ofDt ? ${quoted(SERVICE_ID)} : ${quoted(UUID)})`,
} as const

/** The text names an object of the same analysis or service. */
const isOwn = (text: string): string => `${text}.matches(variables.own) && ${text}.contains(variables.id)`
/** The reference, if it exists, names an object of the same analysis or service. */
const refers = (object: string, field: string, name = 'name'): string =>
  `!has(${object}.${field}) || (has(${object}.${field}.${name}) && ${isOwn(`${object}.${field}.${name}`)})`

const STANDING_OF_DT = [dt.STANDING_POLICY_NAME, dt.RUN_POLICY_NAME, dt.SERVER_POLICY_NAME]

const names: Policy = {
  name: 'names',
  rules: [CORE('secrets', 'configmaps', 'services'), DEPLOYMENTS, JOBS, SERVING, POLICIES],
  operations: ['CREATE', 'UPDATE', 'DELETE'],
  variables: {
    isStanding: `request.resource.resource == "networkpolicies" && request.operation != "DELETE" && variables.name in (variables.ofDt ? ${quoted(STANDING_OF_DT)} : ${quoted([STANDING_POLICY_NAME])})`,
  },
  validations: [
    {
      expression: 'variables.isStanding || variables.name.matches(variables.own)',
      message: 'functions write only objects of analyses or of services, by their names',
    },
    {
      expression: 'variables.isStanding || request.resource.resource != "networkpolicies" || !variables.ofDt',
      message: 'functions of digital twins write no other policies than the standing ones',
    },
  ],
}

/** A Secret of type `service-account-token` would yield a token of any account. */
const secrets: Policy = {
  name: 'secrets',
  rules: [CORE('secrets')],
  operations: ['CREATE', 'UPDATE'],
  validations: [
    {
      expression: '!has(object.type) || object.type in ["", "Opaque", "kubernetes.io/dockerconfigjson"]',
      message: 'Secrets of functions are of the types Opaque and kubernetes.io/dockerconfigjson',
    },
  ],
}

const COMPONENTS_OF_RUNS = [COMPONENT.analysis, COMPONENT.proxy]
const COMPONENTS_OF_DT = [DT.run, DT.server]

const pods: Policy = {
  name: 'pods',
  rules: [DEPLOYMENTS, JOBS, SERVING],
  operations: ['CREATE', 'UPDATE'],
  variables: {
    template: 'request.resource.resource == "cronjobs" ? object.spec.jobTemplate.spec.template : object.spec.template',
    labels: 'has(variables.template.metadata.labels) ? variables.template.metadata.labels : {}',
    pod: 'variables.template.spec',
    containers: '(has(variables.pod.initContainers) ? variables.pod.initContainers : []) + variables.pod.containers',
  },
  validations: [
    {
      expression: all(
        '!has(variables.pod.serviceAccountName) || variables.pod.serviceAccountName in ["", "default"]',
        '!has(variables.pod.serviceAccount) || variables.pod.serviceAccount in ["", "default"]',
        'has(variables.pod.automountServiceAccountToken) && !variables.pod.automountServiceAccountToken',
      ),
      message: 'pods of analyses and services run without an account: automountServiceAccountToken is false',
    },
    {
      expression: `variables.ofDt ? ${quoted(DT_LABEL.component)} in variables.labels && variables.labels[${quoted(DT_LABEL.component)}] in ${quoted(COMPONENTS_OF_DT)} : "component" in variables.labels && variables.labels["component"] in ${quoted(COMPONENTS_OF_RUNS)}`,
      message: 'pods of analyses and services have the label by which the standing policies close them',
    },
    { expression: off('variables.pod', 'hostNetwork', 'hostPID', 'hostIPC'), message: 'pods have nothing of the host' },
    {
      expression: `variables.containers.all(c, ${all(
        'has(c.securityContext) && has(c.securityContext.allowPrivilegeEscalation) && !c.securityContext.allowPrivilegeEscalation',
        off('c.securityContext', 'privileged'),
        'has(c.securityContext.capabilities) && has(c.securityContext.capabilities.drop) && "ALL" in c.securityContext.capabilities.drop',
        each('c.securityContext.capabilities', 'add', 'power', 'power == "DAC_OVERRIDE"'),
        each('c', 'ports', 'port', '!has(port.hostPort) || port.hostPort == 0'),
      )})`,
      message: 'containers have no privileges, no powers but DAC_OVERRIDE, and no port of the host',
    },
    {
      expression: each(
        'variables.pod',
        'volumes',
        'v',
        `has(v.emptyDir) || (has(v.configMap) && (${refers('v', 'configMap')})) || (has(v.secret) && (${refers('v', 'secret', 'secretName')}))`,
      ),
      message: 'volumes are empty directories, or ConfigMaps and Secrets of the same analysis or service',
    },
    {
      expression: `variables.containers.all(c, ${all(
        each(
          'c',
          'env',
          'e',
          `!has(e.valueFrom) || (${all(refers('e.valueFrom', 'secretKeyRef'), refers('e.valueFrom', 'configMapKeyRef'))})`,
        ),
        each('c', 'envFrom', 'e', all(refers('e', 'secretRef'), refers('e', 'configMapRef'))),
      )})`,
      message: 'variables come from Secrets and ConfigMaps of the same analysis or service',
    },
    {
      expression: each('variables.pod', 'imagePullSecrets', 's', `has(s.name) && ${isOwn('s.name')}`),
      message: 'images are pulled with a login of the same analysis or service',
    },
  ],
}

/** The selector has exactly one condition: the labels that the standing policy selects. */
const selects = (key: string, values: readonly string[]): string =>
  all(
    none('object.spec.podSelector', 'matchLabels'),
    'has(object.spec.podSelector.matchExpressions) && object.spec.podSelector.matchExpressions.size() == 1',
    `object.spec.podSelector.matchExpressions.all(e, e.key == ${quoted(key)} && e.operator == "In" && e.values == ${quoted(values)})`,
  )

const LABELLED = (side: 'from' | 'to') =>
  `has(rule.${side}) && rule.${side}.size() > 0 && rule.${side}.all(peer, !has(peer.ipBlock) && has(peer.podSelector) && has(peer.podSelector.matchLabels) && peer.podSelector.matchLabels.size() > 0)`

/** Applies the condition only to objects of this name. */
const where = (name: string, condition: string): string => `variables.name != ${quoted(name)} || (${condition})`
const isBothWays = 'has(object.spec.policyTypes) && object.spec.policyTypes.size() == 2'
const selectsDt = (component: string): string =>
  all(
    'has(object.spec.podSelector.matchLabels)',
    `object.spec.podSelector.matchLabels == {${quoted(DT_LABEL.component)}: ${quoted(component)}}`,
  )

const network: Policy = {
  name: 'network',
  rules: [POLICIES],
  operations: ['CREATE', 'UPDATE'],
  variables: { isOfRun: 'variables.name.matches(variables.own)' },
  validations: [
    { expression: isBothWays, message: 'policies of functions are about both directions' },
    {
      expression: all(
        where(
          STANDING_POLICY_NAME,
          all(none('object.spec', 'ingress', 'egress'), selects('component', COMPONENTS_OF_RUNS)),
        ),
        where(
          dt.STANDING_POLICY_NAME,
          all(none('object.spec', 'ingress', 'egress'), selects(DT_LABEL.component, COMPONENTS_OF_DT)),
        ),
        where(dt.RUN_POLICY_NAME, all(none('object.spec', 'ingress'), selectsDt(DT.run))),
        where(dt.SERVER_POLICY_NAME, selectsDt(DT.server)),
      ),
      message: 'the standing policies keep their shape: they deny everything to all pods of analyses and services',
    },
    {
      expression: `!variables.isOfRun || (${all(
        'has(object.spec.podSelector.matchLabels) && "app" in object.spec.podSelector.matchLabels',
        isOwn('object.spec.podSelector.matchLabels["app"]'),
      )})`,
      message: 'the policy of a run is about pods of that analysis',
    },
    {
      expression: `!variables.isOfRun || (${all(
        each('object.spec', 'ingress', 'rule', LABELLED('from')),
        each('object.spec', 'egress', 'rule', LABELLED('to')),
      )})`,
      message: 'the policy of a run opens ways to and from labelled pods, never to addresses or to everything',
    },
  ],
}

const services: Policy = {
  name: 'services',
  rules: [CORE('services')],
  operations: ['CREATE', 'UPDATE'],
  validations: [
    {
      expression: all(
        '!has(object.spec.type) || object.spec.type == "ClusterIP"',
        '!has(object.spec.externalIPs) || object.spec.externalIPs.size() == 0',
      ),
      message: 'Services of functions are of the type ClusterIP, without addresses from outside',
    },
    {
      expression: `has(object.spec.selector) && (variables.ofDt ? ${quoted(DT_LABEL.service)} in object.spec.selector && object.spec.selector[${quoted(DT_LABEL.service)}] == variables.id : "app" in object.spec.selector && ${isOwn('object.spec.selector["app"]')})`,
      message: 'Services of functions lead to pods of the same analysis or service',
    },
  ],
}

const POLICY_LIST: readonly Policy[] = [names, secrets, pods, network, services]

const nameOf = ({ name }: Policy): string => `functions-${name}.${PART_OF}`

function specOf({ rules, operations, variables = {}, validations }: Policy): V1<'ValidatingAdmissionPolicySpec'> {
  return {
    failurePolicy: 'Fail',
    matchConstraints: {
      resourceRules: rules.map(({ apiGroup, version, resources }) => ({
        apiGroups: [apiGroup],
        apiVersions: [version],
        operations,
        resources,
        scope: 'Namespaced',
      })),
    },
    matchConditions: [{ name: 'by-functions', expression: byFunctions }],
    variables: Object.entries({ ...OF_ALL, ...variables }).map(([name, expression]) => ({ name, expression })),
    validations: validations.map((one) => ({ ...one, reason: 'Forbidden' })),
  }
}

const metadataOf = (policy: Policy) => ({
  name: nameOf(policy),
  labels: { 'app.kubernetes.io/part-of': PART_OF },
  annotations: {
    [DIGEST]: createHash('sha256')
      .update(JSON.stringify(specOf(policy)))
      .digest('hex')
      .slice(0, 16),
  },
})

const policyOf = (policy: Policy): ObjectOf<'ValidatingAdmissionPolicy'> => ({
  apiVersion: API_VERSION,
  kind: 'ValidatingAdmissionPolicy',
  metadata: metadataOf(policy),
  spec: specOf(policy),
})

const bindingOf = (policy: Policy): ObjectOf<'ValidatingAdmissionPolicyBinding'> => ({
  apiVersion: API_VERSION,
  kind: 'ValidatingAdmissionPolicyBinding',
  metadata: metadataOf(policy),
  spec: { policyName: nameOf(policy), validationActions: ['Deny'] },
})

/** Each policy with its binding. */
export const admission = () => POLICY_LIST.flatMap((policy) => [policyOf(policy), bindingOf(policy)])
