/**
 * Makes objects in Kubernetes: those of a service, its fan-in, and the policies that isolate all runs. Only what is missing is
 * made, so every step can be repeated.
 */
import { isFault } from '../../platform/fault.ts'
import type { KubernetesObject } from '../../platform/ports.ts'
import type { Phase, Service } from '../model.ts'
import {
  cronJob,
  fanInJob,
  knativeService,
  onDemandJob,
  type ServiceInput,
  serverDeployment,
  serverService,
  serverUrl,
  standingPolicies,
  tokensSecret,
} from '../objects/index.ts'
import type { DtPorts } from '../ports.ts'
import type { View } from './world.ts'

export type MakePorts = Pick<DtPorts, 'cluster' | 'store' | 'tokenOf' | 'settings'>

/** Whether this process has applied the policies in its own version. */
export interface PolicyCache {
  applied: boolean
}

export const createPolicyCache = (): PolicyCache => ({ applied: false })

/** Applies the policies that isolate runs when they are missing or may be old. Comes before anything is started. */
export async function ensurePolicies(
  { cluster, settings, log }: Pick<DtPorts, 'cluster' | 'settings' | 'log'>,
  cache: PolicyCache,
): Promise<void> {
  for (const policy of standingPolicies(settings.service)) {
    const { name } = policy.metadata
    if (cache.applied && (await cluster.has('NetworkPolicy', name))) continue
    await cluster.apply(policy)
    if (cache.applied) log('warn', 'policy was missing and is back', { policy: name })
  }
  cache.applied = true
}

/** The input of the builders. Whether the service has mounts is in the database only. */
async function inputOf({ store, settings }: MakePorts, service: Service): Promise<ServiceInput> {
  const { id, uid, spec, firing } = service
  if (uid === null) throw new TypeError('a service without a resource owns nothing')
  const listed = await store.listed(id)
  const hasInputs = Object.keys(listed?.mounts ?? {}).length > 0
  return { id, uid, spec, firing, hasInputs, settings: settings.service }
}

interface Made {
  readonly objects: readonly KubernetesObject[]
  readonly phase: Phase
  readonly url: string | null
}

/** Jobs are made suspended and wait for their turn. */
const isQueued = ({ settings }: MakePorts): boolean => settings.maxRuns > 0

function objectsOf(ports: MakePorts, input: ServiceInput, { jobs, hasCronJob, servers }: View): Made {
  const suspend = isQueued(ports)
  switch (input.spec.jobType) {
    case 'ondemand':
      return {
        objects: jobs.length > 0 ? [] : [onDemandJob(input, { suspend })],
        phase: suspend ? 'queued' : 'running',
        url: null,
      }
    case 'scheduled':
      return { objects: hasCronJob ? [] : [cronJob(input, { suspend })], phase: 'scheduled', url: null }
    case 'persistent': {
      if (servers.length > 0) return { objects: [], phase: 'serving', url: null }
      return input.hasInputs
        ? { objects: [serverService(input), serverDeployment(input)], phase: 'serving', url: serverUrl(input) }
        : { objects: [knativeService(input)], phase: 'serving', url: null }
    }
  }
}

/**
 * Makes the objects of a service, the tokens before the pods that mount them. Resolves to the phase that follows.
 * @throws Fault `refused`, with status 422 if the same request will never succeed
 */
export async function makeObjects(
  ports: MakePorts,
  service: Service,
  view: View,
): Promise<Pick<Made, 'phase' | 'url'>> {
  const { cluster, tokenOf } = ports
  const input = await inputOf(ports, service)
  const { objects, phase, url } = objectsOf(ports, input, view)
  if (objects.length > 0) await cluster.apply(tokensSecret(input, tokenOf))
  for (const object of objects) await cluster.apply(object)
  return { phase, url }
}

export async function makeFanIn(ports: MakePorts, service: Service, firing: number): Promise<void> {
  const input = await inputOf(ports, service)
  // A service that the previous version made has no tokens yet.
  await ports.cluster.apply(tokensSecret(input, ports.tokenOf))
  await ports.cluster.apply(fanInJob(input, firing, { suspend: isQueued(ports) }))
}

/** Kubernetes refuses the object itself, so it will refuse it again. */
export const isPermanent = (error: unknown): error is Error => isFault(error, 'refused') && error.status === 422
