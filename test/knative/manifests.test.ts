import { describe, expect, test } from 'vitest'
import { memoryEnvironment } from '../../knative/image/process.ts'
import { pingSchedule } from '../../knative/manifests/ping-source.ts'
import { readInterval } from '../../knative/manifests/status-loop.ts'
import { BODY_LIMIT } from '../../shared/http/body.ts'
import { RECONCILE_TYPE } from '../../shared/po/events.ts'
import { standingPolicy } from '../../shared/po/objects/index.ts'
import {
  allRoutes,
  functionFolder,
  type KubernetesGrant,
  poRoutes,
  type Route,
  routes,
} from '../../shared/routes/index.ts'
import { SETTINGS, type SettingName } from '../../shared/settings/config.ts'
import { fieldFaults, funcFaults } from './fields.ts'
import { ksvc } from './function-manifest.ts'
import { restrictedFaults } from './pod-security.ts'
import { manifestFiles, only, parseManifests, podOf, readText } from './read.ts'

const files = manifestFiles()
const objects = files.flatMap(([, found]) => found)
const each = poRoutes.map((route) => [route.name, route] as const)

describe('every manifest', () => {
  test.each(files)('%s has only fields that its kinds know', (_, found) => {
    expect(found.flatMap(fieldFaults)).toEqual([])
  })
  test('is in no namespace, but for what makes one and what lies in one of others', () => {
    const placed = files.filter(([, found]) => found.some(({ metadata }) => metadata.namespace))
    expect(placed.map(([path]) => path)).toEqual(['knative/config/overlays/httproute/cluster/reference-grant.yaml'])
  })
  test('of pods passes Pod Security `restricted`', () => {
    const pods = objects.map((object) => [object.metadata.name, podOf(object)] as const)
    const made = pods.flatMap(([name, pod]) => (pod ? [[name, pod] as const] : []))
    expect(made).toHaveLength(allRoutes.length + 3)
    expect(made.flatMap(([name, pod]) => restrictedFaults(pod).map((fault) => `${name}: ${fault}`))).toEqual([])
  })
  test('says what it belongs to', () => {
    const ours = objects.filter(
      ({ kind }) => !['Namespace', 'ReferenceGrant', 'CustomResourceDefinition'].includes(kind),
    )
    const anonymous = ours.filter(({ metadata }) => !metadata.labels?.['app.kubernetes.io/part-of'])
    const known = [standingPolicy().metadata.name, 'knative-gateway']
    expect(anonymous.map(({ metadata }) => metadata.name).filter((name) => !known.includes(name))).toEqual([])
  })

  test('with a misspelt field, a wrong type or a field that Knative refuses would not pass', () => {
    const { object } = ksvc(routes.po.status)
    const change = (edit: (pod: Record<string, unknown>) => void) => {
      const copy = structuredClone(object)
      edit((copy['spec'] as { template: { spec: Record<string, unknown> } }).template.spec)
      return fieldFaults(copy)
    }
    expect(change((pod) => Object.assign(pod, { timeoutSecond: 5 }))).toEqual([
      'Service.spec.template.spec.timeoutSecond is not known',
    ])
    expect(change((pod) => Object.assign(pod, { timeoutSeconds: '45' }))).toHaveLength(1)
    expect(change((pod) => Object.assign(pod, { initContainers: [] }))).toHaveLength(1)
    const role = {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'Role',
      metadata: { name: 'r' },
      rules: [{ verb: [] }],
    }
    expect(fieldFaults(role)).toEqual(['Role.rules[0].verb is not known'])
  })
  test('of a pod with less than `restricted` asks for would not pass', () => {
    const pod = podOf(ksvc(routes.po.status).object)
    const [container] = pod?.containers ?? []
    if (!pod || !container) throw new Error('no pod')
    for (const field of ['allowPrivilegeEscalation', 'capabilities', 'runAsNonRoot', 'seccompProfile']) {
      const securityContext = { ...container.securityContext, [field]: undefined }
      expect(restrictedFaults({ containers: [{ ...container, securityContext } as typeof container] })).toHaveLength(1)
    }
    expect(restrictedFaults({ ...pod, volumes: [{ name: 'host', hostPath: {} }] })).toEqual(['a volume is a hostPath'])
  })
})

describe('the Knative Service of each function', () => {
  test.each(each)('%s: named, reached in the cluster only, found by kn func', (name, route) => {
    const { object, spec } = ksvc(route)
    expect(object.metadata).toMatchObject({
      name,
      labels: {
        'networking.knative.dev/visibility': 'cluster-local',
        'function.knative.dev': 'true',
        'function.knative.dev/name': name,
      },
    })
    expect(spec.containers[0].env[0]).toEqual({ name: 'FUNCTION_TARGET', value: name })
    const func = only(`functions/${functionFolder(route)}/func.yaml`)
    expect(funcFaults(func)).toEqual([])
    expect(func).toMatchObject({
      specVersion: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      created: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T/),
      name,
      invoke: route.trigger === 'event' ? 'cloudevent' : 'http',
    })
  })
  test.each(each)('%s: scale and time are those of its row', (_, route) => {
    const { metadata, spec } = ksvc(route)
    const { min, max, timeoutSeconds } = route.scale
    expect(metadata.annotations).toMatchObject({
      'autoscaling.knative.dev/min-scale': String(min),
      'autoscaling.knative.dev/max-scale': String(max),
    })
    expect(spec.timeoutSeconds).toBe(timeoutSeconds)
    expect(spec.containerConcurrency).toBe(route.scale.concurrency)
    expect(timeoutSeconds, 'shorter ones are killed while they drain').toBeGreaterThanOrEqual(45)
    expect(spec.containers[0].readinessProbe, 'a period would slow down cold starts').toBeUndefined()
    expect(spec.containers[0].resources).toMatchObject({
      requests: { cpu: expect.any(String), memory: expect.any(String) },
      limits: { memory: expect.any(String) },
    })
  })
  test.each(each)('%s: what it holds at once fits into its memory, bodies of the largest size included', (_, route) => {
    const { requests, limits } = ksvc(route).spec.containers[0].resources
    const mib = (text: unknown): number => Number(/^(\d+)Mi$/.exec(String(text))?.[1])
    const bodies = (route.scale.concurrency * BODY_LIMIT) / 1024 / 1024
    expect(route.scale.concurrency).toBeGreaterThan(1)
    expect(mib(requests.memory) + bodies).toBeLessThanOrEqual(0.8 * mib(limits.memory))
  })
  test.each(each)('%s: its disk has a limit', (_, route) => {
    const { requests, limits } = ksvc(route).spec.containers[0].resources
    expect([requests, limits]).toMatchObject([{ 'ephemeral-storage': '16Mi' }, { 'ephemeral-storage': '256Mi' }])
  })
  test.each(each)('%s: its settings are those of its groups, secrets from the Secret alone', (_, route) => {
    const names = Object.keys(SETTINGS) as SettingName[]
    const groups: readonly string[] = [...route.settings, 'process']
    const wanted = names.filter((name) => groups.includes(SETTINGS[name].group) && name !== 'PORT')
    const [, ...env] = ksvc(route).spec.containers[0].env
    const settings = env.filter(({ valueFrom }) => valueFrom)
    expect(settings.map(({ name }) => name)).toEqual(wanted)
    const literal = env.filter(({ valueFrom }) => !valueFrom).map(({ name, value }) => [name, value])
    expect(Object.fromEntries(literal), 'memory as it is measured').toEqual(memoryEnvironment(route))
    for (const { name, value, valueFrom } of settings) {
      const source = SETTINGS[name as SettingName].secret
        ? ['secretKeyRef', 'po-secrets']
        : ['configMapKeyRef', 'po-settings']
      expect(value).toBeUndefined()
      expect(Object.entries(valueFrom ?? {}).map(([kind, ref]) => [kind, ref.name, ref.key])).toEqual([
        [...source, name],
      ])
    }
  })
  test.each(each)('%s: an account of its own, and a token only where it talks to Kubernetes', (name, route) => {
    const { spec } = ksvc(route)
    expect(spec.serviceAccountName).toBe(name)
    expect(spec.automountServiceAccountToken).toBe(route.kubernetes.length > 0 ? undefined : false)
  })
  test('mounts the files that settings name, where these are read', () => {
    const mounted = (route: Route) =>
      (ksvc(route).spec.containers[0].volumeMounts ?? []).map(({ mountPath }) => mountPath)
    expect(mounted(routes.po.docs)).toEqual([])
    expect(mounted(routes.po.status)).toEqual(['/etc/po/postgres-ca'])
    expect(mounted(routes.po.streamLogs)).toEqual(['/etc/po/ca-certs', '/etc/po/postgres-ca'])
    expect(mounted(routes.po.stop)).toEqual(['/etc/po/ca-certs', '/etc/po/postgres-ca', '/etc/po/node-key'])
  })
})

describe('the role of each function', () => {
  type Rules = readonly { apiGroups: string[]; resources: string[]; verbs: string[] }[]
  const flat = (group: string, resources: readonly string[], verbs: readonly string[]) =>
    resources.flatMap((resource) => verbs.map((verb) => `${group}/${resource} ${verb}`))
  const granted = (grants: readonly KubernetesGrant[]) =>
    grants.flatMap(({ apiGroup, resources, verbs }) => flat(apiGroup, resources, verbs)).toSorted()

  test.each(each)('%s: exactly the verbs of its row, or no role', (name, route) => {
    const found = parseManifests(readText(`knative/config/base/rbac/${name}.yaml`))
    const kinds = route.kubernetes.length > 0 ? ['ServiceAccount', 'Role', 'RoleBinding'] : ['ServiceAccount']
    expect(found.map(({ kind, metadata }) => [kind, metadata.name])).toEqual(kinds.map((kind) => [kind, name]))
    const rules = (found[1]?.['rules'] ?? []) as Rules
    const given = rules.flatMap(({ apiGroups: [group = '?', ...more], resources, verbs }) => {
      expect(more).toEqual([])
      return flat(group, resources, verbs)
    })
    expect(given.toSorted()).toEqual(granted(route.kubernetes))
    expect(given.join()).not.toContain('*')
    if (found[2]) {
      expect(found[2]['roleRef']).toEqual({ apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name })
      expect(found[2]['subjects']).toEqual([{ kind: 'ServiceAccount', name }])
    }
  })
  test('is the only one there is, but for the one of the pod hints, who watch pods', () => {
    const kinds = ['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding']
    const names = objects.filter(({ kind }) => kinds.includes(kind)).map(({ metadata }) => metadata.name)
    const granting = allRoutes.filter(({ kubernetes }) => kubernetes.length > 0).flatMap(({ name }) => [name, name])
    const hinting = ['po-pod-hints', 'dt-hints'].flatMap((name) => [name, name])
    expect(names.toSorted()).toEqual([...granting, ...hinting].toSorted())
    const [hints] = objects.filter(({ kind, metadata }) => kind === 'Role' && metadata.name === 'po-pod-hints')
    expect(hints?.['rules']).toEqual([{ apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch'] }])
  })
})

describe('the loop', () => {
  const source = only('knative/config/base/status-loop/ping-source.yaml')['spec'] as Record<string, unknown>

  test('is ticked by the schedule of the functions’ interval, with a JSON object, in UTC', () => {
    const interval = readInterval(readText('knative/config/base/status-loop/interval.env'))
    expect(interval).toBe(SETTINGS.STATUS_LOOP_INTERVAL.parse(SETTINGS.STATUS_LOOP_INTERVAL.default ?? ''))
    expect(source).toMatchObject({
      schedule: pingSchedule(interval).schedule,
      timezone: 'UTC',
      contentType: 'application/json',
      sink: { ref: { kind: 'Service', name: routes.po.statusReconcile.name } },
    })
    expect(JSON.parse(String(source['data']))).toEqual({ intervalSeconds: interval })
  })
  test.each([
    ['', 'expected a whole number from 1 to 86400'],
    ['STATUS_LOOP_INTERVAL=0', 'expected a whole number'],
    ['STATUS_LOOP_INTERVAL=ten', 'expected a whole number'],
  ])('refuses an interval.env of %j', (text, message) => expect(() => readInterval(text)).toThrow(message))
  test('over a broker gets the events of analyses, and nothing else, by a Trigger that gives up into the log', () => {
    const events = parseManifests(readText('knative/config/components/events/events.yaml'))
    const [broker, binding, trigger] = events.map(({ metadata, spec }) => ({ name: metadata.name, spec }))
    const loop = {
      ref: { apiVersion: 'serving.knative.dev/v1', kind: 'Service', name: routes.po.statusReconcile.name },
    }
    expect(events.map(({ kind }) => kind)).toEqual(['Broker', 'SinkBinding', 'Trigger'])
    expect(trigger?.spec).toMatchObject({
      broker: broker?.name,
      filter: { attributes: { type: RECONCILE_TYPE } },
      subscriber: loop,
      delivery: { deadLetterSink: { ref: { kind: 'Service', name: 'po-dead-letters' } } },
    })
    expect(binding?.spec).toMatchObject({ subject: loop.ref, sink: { ref: { kind: 'Broker', name: broker?.name } } })
    const names = parseManifests(readText('knative/config/components/events/dead-letters.yaml')).map(
      ({ metadata }) => metadata.name,
    )
    expect(names).toContain('po-dead-letters')
  })
})
