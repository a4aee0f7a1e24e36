import { expect, test } from 'vitest'
import {
  cronJob,
  fanInJob,
  knativeService,
  onDemandJob,
  type ServiceInput,
  serverDeployment,
  serverService,
  standingPolicies,
  tokensSecret,
} from '../../../shared/dt/objects/index.ts'
import type { AppliedKind } from '../../../shared/dt/ports/cluster.ts'
import type { KubernetesObject } from '../../../shared/platform/ports.ts'
import { SETTINGS } from '../../shared/dt/objects/input.ts'
import type { DtClusterTarget } from '../dt-cluster.ts'
import { created, newId, PERSISTENT, SCHEDULED } from './objects.ts'

export const PATHS: Readonly<Record<AppliedKind, string>> = {
  Secret: 'api/v1/secrets',
  Job: 'apis/batch/v1/jobs',
  CronJob: 'apis/batch/v1/cronjobs',
  KnativeService: 'apis/serving.knative.dev/v1/services',
  Deployment: 'apis/apps/v1/deployments',
  Service: 'api/v1/services',
  NetworkPolicy: 'apis/networking.k8s.io/v1/networkpolicies',
}

const FAN_IN = { fanIn: { image: 'registry.example/summary:1', env: {} } }
const BUILDS: [AppliedKind, Parameters<typeof created>[1], (input: ServiceInput) => KubernetesObject][] = [
  ['Secret', {}, (input) => tokensSecret(input, () => 'a-token')],
  ['Job', {}, (input) => onDemandJob(input, { suspend: true })],
  ['Job', { spec: FAN_IN }, (input) => fanInJob(input, 0, { suspend: true })],
  ['CronJob', { spec: SCHEDULED }, (input) => cronJob(input, { suspend: true })],
  ['Service', { spec: PERSISTENT }, serverService],
  ['Deployment', { spec: PERSISTENT }, serverDeployment],
  ['KnativeService', { spec: PERSISTENT }, knativeService],
]

/** `apply`, `has`, `resume`. */
export function applying(subject: () => DtClusterTarget): void {
  const raw = async (kind: AppliedKind, name: string) => (await subject().raw('GET', `${PATHS[kind]}/${name}`)).body

  test.each(BUILDS)('a %s is there, and is known to the API as ours alone', async (kind, fields, build) => {
    const { cluster, serving } = subject()
    if (kind === 'KnativeService' && !serving) return
    const object = build(await created(cluster, fields))
    const { name } = object.metadata
    expect(await cluster.has(kind, name)).toBe(false)
    expect((await cluster.apply(object)).uid).toMatch(/^[0-9a-f-]{36}$/)
    expect(await cluster.has(kind, name)).toBe(true)
    const { metadata } = await raw(kind, name)
    expect(metadata.managedFields).toContainEqual(
      expect.objectContaining({ manager: 'dt-orchestrator', operation: 'Apply' }),
    )
    expect(metadata.labels).toMatchObject(object.metadata.labels ?? {})
  })

  test.each(BUILDS.filter(([kind]) => kind !== 'KnativeService' && kind !== 'Deployment'))(
    'a %s that is applied again is the same',
    async (kind, fields, build) => {
      const { cluster } = subject()
      const object = build(await created(cluster, fields))
      const first = await cluster.apply(object)
      // Its controller may write the status.
      const specOf = async () => (await raw(kind, object.metadata.name)).spec
      const before = await specOf()
      expect(await cluster.apply(object)).toEqual(first)
      expect(await specOf()).toEqual(before)
    },
  )

  test('policies are applied, and put back as they were', async () => {
    const { cluster } = subject()
    const [policy] = standingPolicies({ ...SETTINGS, egress: [] })
    if (!policy) throw new Error('there is one')
    const { name } = policy.metadata
    await cluster.apply(policy)
    const before = (await raw('NetworkPolicy', name)).spec
    const opened = { spec: { policyTypes: ['Ingress'], ingress: [{}] } }
    await subject().raw('PATCH', `${PATHS.NetworkPolicy}/${name}?fieldManager=somebody`, opened)
    expect((await raw('NetworkPolicy', name)).spec).not.toEqual(before)
    await cluster.apply(policy)
    expect((await raw('NetworkPolicy', name)).spec).toMatchObject({ policyTypes: ['Ingress', 'Egress'] })
  })

  test('what Kubernetes will never take is refused as such', async () => {
    const { cluster } = subject()
    const job = onDemandJob(await created(cluster), { suspend: true })
    const bad = { ...job, spec: { ...(job['spec'] as object), completions: undefined } }
    await expect(cluster.apply(bad)).rejects.toMatchObject({ name: 'Fault', code: 'refused', status: 422 })
    expect(await cluster.has('Job', job.metadata.name)).toBe(false)
    const schedule = cronJob(await created(cluster, { spec: { ...SCHEDULED, schedule: '0 6 * * *' } }), {
      suspend: true,
    })
    const never = { ...schedule, spec: { ...(schedule['spec'] as object), schedule: 'at noon' } }
    await expect(cluster.apply(never)).rejects.toMatchObject({ code: 'refused', status: 422 })
  })

  test('what Serving will never take is refused as such', async () => {
    const { cluster, serving } = subject()
    if (!serving) return
    const service = knativeService(await created(cluster, { spec: PERSISTENT }))
    const template = (service['spec'] as { template: { spec: { containers: object[] } } }).template
    const containers = template.spec.containers.map((one) => ({ ...one, env: [{ name: 'PORT', value: '1' }] }))
    const bad = { ...service, spec: { template: { ...template, spec: { ...template.spec, containers } } } }
    await expect(cluster.apply(bad)).rejects.toMatchObject({ code: 'refused', status: 400 })
    expect(await cluster.has('KnativeService', service.metadata.name)).toBe(false)
  })

  test('a Service and a Knative Service of one name are two', async () => {
    const { cluster, serving } = subject()
    const input = await created(cluster, { spec: PERSISTENT })
    await cluster.apply(serverService(input))
    expect(await cluster.has('Service', `dt-${input.id}`)).toBe(true)
    if (serving) expect(await cluster.has('KnativeService', `dt-${input.id}`)).toBe(false)
  })

  test('resume: a Job goes on, once and for all', async () => {
    const { cluster } = subject()
    const input = await created(cluster, { spec: { reps: 1 } })
    await cluster.apply(onDemandJob(input, { suspend: true }))
    const suspended = async () => (await cluster.jobs([input.id])).map((job) => job.suspended)
    expect(await suspended()).toEqual([true])
    expect(await cluster.resume(input.id)).toBe(true)
    expect(await suspended()).toEqual([false])
    expect(await cluster.resume(input.id)).toBe(true)
    expect(await cluster.resume(newId())).toBe(false)
  })
}
