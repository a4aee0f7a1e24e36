/**
 * Reads the objects and records of live services from Kubernetes and the database. The number of requests does not grow with
 * ended services.
 */
import { allSettledOrThrow } from '../../platform/concurrency.ts'
import type { Manifest, Run, Service, ServiceId } from '../model.ts'
import { LABEL } from '../names.ts'
import type { DtPodFacts, JobFacts, ServerFacts } from '../ports/cluster.ts'
import type { DtPorts } from '../ports.ts'

type WorldPorts = Pick<DtPorts, 'store' | 'cluster'>

/** The objects and records of one service. Objects of a former resource with its name are left out. */
export interface View {
  readonly jobs: readonly JobFacts[]
  readonly pods: readonly DtPodFacts[]
  readonly servers: readonly ServerFacts[]
  readonly hasCronJob: boolean
  /** Objects of a former resource with this name still exist. */
  readonly hasRemains: boolean
  readonly runs: readonly Run[]
  readonly manifests: readonly Manifest[]
}

interface Labelled {
  readonly labels: Readonly<Record<string, string>>
}

const serviceOf = ({ labels }: Labelled): string => labels[LABEL.service] ?? ''

function byService<T extends Labelled>(objects: readonly T[]) {
  const groups = Map.groupBy(objects, serviceOf)
  return (id: ServiceId): T[] => groups.get(id) ?? []
}

/** Resolves to the function that selects the view of one of the services. */
export async function readWorld({ store, cluster }: WorldPorts, services: readonly Service[]) {
  const idsWhere = (fits: (service: Service) => boolean): ServiceId[] => services.filter(fits).map(({ id }) => id)
  const batch = idsWhere(({ spec }) => spec.jobType !== 'persistent')
  // Pods before Jobs: then the status of a Job is at least as new as that of its pods.
  const pods = await cluster.pods(batch)
  const [jobs, cronJobs, servers, runs, manifests] = await allSettledOrThrow(
    cluster.jobs(batch),
    cluster.cronJobs(idsWhere(({ spec }) => spec.jobType === 'scheduled')),
    cluster.servers(idsWhere(({ spec }) => spec.jobType === 'persistent')),
    store.runsOf(batch),
    store.manifests(batch),
  )
  const [podsOf, jobsOf, serversOf] = [byService(pods), byService(jobs), byService(servers)]
  const cronJobsOf = byService(cronJobs.map((labels) => ({ labels })))
  return ({ id, uid }: Service): View => {
    const isOwn = ({ labels }: Labelled) => labels[LABEL.resource] === uid
    return {
      jobs: jobsOf(id).filter(isOwn),
      pods: podsOf(id).filter(isOwn),
      servers: serversOf(id).filter(isOwn),
      hasCronJob: cronJobsOf(id).some(isOwn),
      hasRemains: ![...jobsOf(id), ...serversOf(id), ...cronJobsOf(id)].every(isOwn),
      runs: runs.get(id) ?? [],
      manifests: manifests.get(id) ?? [],
    }
  }
}
