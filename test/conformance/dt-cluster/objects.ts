/** Services, and objects of theirs as the product builds them, with small programs in place of images. */
import { randomBytes } from 'node:crypto'
import type { ServiceId } from '../../../shared/dt/model.ts'
import { analyticsResource, onDemandJob, type ServiceInput } from '../../../shared/dt/objects/index.ts'
import type { DtCluster } from '../../../shared/dt/ports/cluster.ts'
import type { KubernetesObject } from '../../../shared/platform/ports.ts'
import { inputOf, SPEC } from '../../shared/dt/objects/input.ts'

export const PATIENCE = { timeout: 30_000, interval: 50 }
export const newId = (): ServiceId => randomBytes(12).toString('hex') as ServiceId

/** A resource, and the input of its builders. */
export async function created(
  cluster: DtCluster,
  fields: Parameters<typeof inputOf>[0] = {},
  labels: Readonly<Record<string, string>> = {},
): Promise<ServiceInput> {
  const input = { ...inputOf(fields), id: newId() }
  const { uid } = await cluster.create(analyticsResource(input.id, input.spec, labels))
  return { ...input, uid }
}

export const SCHEDULED = { ...SPEC, jobType: 'scheduled', schedule: '0 6 1 1 *' } as const
export const PERSISTENT = { ...SPEC, jobType: 'persistent', reps: null } as const

export interface Program {
  readonly image: string
  readonly script: string
  readonly sidecar?: string
  readonly env?: readonly object[]
}

const container = (name: string, image: string, script: string) => ({
  name,
  image,
  command: ['sh', '-c', script],
  terminationMessagePolicy: 'FallbackToLogsOnError',
})

/** A pod that runs a script as `main`, and optionally another one as a native sidecar. */
const podSpec = ({ image, script, sidecar, env = [] }: Program, restartPolicy: string) => ({
  restartPolicy,
  terminationGracePeriodSeconds: 2,
  automountServiceAccountToken: false,
  ...(sidecar ? { initContainers: [{ ...container('beside', image, sidecar), restartPolicy: 'Always' }] } : {}),
  containers: [{ ...container('main', image, script), env }],
})

interface Workload {
  readonly template: { readonly metadata: object; readonly spec: object }
}

/** `object`, a Job or a Deployment, whose pods run a test program instead of an image. */
export function running(object: KubernetesObject, program: Program): KubernetesObject {
  const spec = object['spec'] as Workload
  const policy = object.kind === 'Job' ? 'Never' : 'Always'
  return { ...object, spec: { ...spec, template: { ...spec.template, spec: podSpec(program, policy) } } }
}

/** The same of a CronJob. */
export function firing(object: KubernetesObject, program: Program): KubernetesObject {
  const spec = object['spec'] as { jobTemplate: { metadata: object; spec: Workload } }
  const { spec: job, ...rest } = spec.jobTemplate
  const template = { ...job.template, spec: podSpec(program, 'Never') }
  return { ...object, spec: { ...spec, jobTemplate: { ...rest, spec: { ...job, template } } } }
}

/** The same of a Knative Service, whose other fields stay. */
export function served(object: KubernetesObject, { image, script }: Program): KubernetesObject {
  const { template } = object['spec'] as { template: { metadata: object; spec: { containers: readonly object[] } } }
  const containers = template.spec.containers.map((one) => ({ ...one, image, command: ['sh', '-c', script] }))
  return { ...object, spec: { template: { ...template, spec: { ...template.spec, containers } } } }
}

/** Services whose Jobs run a script, and what the port shows of them. */
export function runsOf(subject: () => { readonly cluster: DtCluster }, image: string) {
  const podsOf = ({ id }: ServiceInput) => subject().cluster.pods([id])
  return {
    begin: async (script: string, spec: object = {}, more: Partial<Program> = {}): Promise<ServiceInput> => {
      const input = await created(subject().cluster, { spec: { reps: 1, retries: 0, ...spec } })
      await subject().cluster.apply(running(onDemandJob(input, { suspend: false }), { image, script, ...more }))
      return input
    },
    jobOf: async ({ id }: ServiceInput) => (await subject().cluster.jobs([id]))[0],
    podsOf,
    mainOf: async (input: ServiceInput) => (await podsOf(input))[0]?.containers[0],
  }
}
