/** Makes what a service needs in Kubernetes. Each step may be repeated; nothing that is there is made again. */
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
  tokensSecret,
} from '../objects/index.ts'
import type { Ports } from '../ports.ts'
import type { View } from './world.ts'

export type MakePorts = Pick<Ports, 'cluster' | 'store' | 'tokenOf' | 'settings'>

/** Its mounts are in the database; whether it has some is what its pods depend on. */
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

const isQueued = ({ settings }: MakePorts): boolean => settings.maxRuns > 0

function objectsOf(ports: MakePorts, input: ServiceInput, { jobs, hasCronJob, servers }: View): Made {
  const wait = isQueued(ports)
  switch (input.spec.jobType) {
    case 'ondemand':
      return {
        objects: jobs.length > 0 ? [] : [onDemandJob(input, wait)],
        phase: wait ? 'queued' : 'running',
        url: null,
      }
    case 'scheduled':
      return { objects: hasCronJob ? [] : [cronJob(input, wait)], phase: 'scheduled', url: null }
    case 'persistent': {
      if (servers.length > 0) return { objects: [], phase: 'serving', url: null }
      return input.hasInputs
        ? { objects: [serverService(input), serverDeployment(input)], phase: 'serving', url: serverUrl(input) }
        : { objects: [knativeService(input)], phase: 'serving', url: null }
    }
  }
}

/**
 * Makes the objects of a service, the tokens before what mounts them. Resolves to the phase that it has then.
 * @throws Fault `refused`, with status 422 when no repetition will help
 */
export async function make(ports: MakePorts, service: Service, view: View): Promise<Pick<Made, 'phase' | 'url'>> {
  const { cluster, tokenOf } = ports
  const input = await inputOf(ports, service)
  const { objects, phase, url } = objectsOf(ports, input, view)
  if (objects.length > 0) await cluster.apply(tokensSecret(input, tokenOf))
  for (const object of objects) await cluster.apply(object)
  return { phase, url }
}

export async function makeFanIn(ports: MakePorts, service: Service, firing: number): Promise<void> {
  const input = await inputOf(ports, service)
  // A service that the version before made has none of them yet.
  await ports.cluster.apply(tokensSecret(input, ports.tokenOf))
  await ports.cluster.apply(fanInJob(input, firing, isQueued(ports)))
}

/** Kubernetes will say the same again: it is the fault of what was asked for. */
export const isHopeless = (error: unknown): error is Error => isFault(error, 'refused') && error.status === 422
