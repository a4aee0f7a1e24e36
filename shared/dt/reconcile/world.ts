/**
 * The world: what one reading of Kubernetes and the database found of live services. The number of requests does not grow with
 * ended services.
 */
import { allSettledOrThrow } from '../../platform/concurrency.ts'
import type { Manifest, Run, Service, ServiceId } from '../model.ts'
import { LABEL } from '../names.ts'
import type { DtPodFacts, JobFacts, ServerFacts } from '../ports/cluster.ts'
import type { DtPorts } from '../ports.ts'

type WorldPorts = Pick<DtPorts, 'store' | 'cluster'>

/** The part of the world that belongs to one service. Objects of a former resource with its name are left out. */
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

interface World {
  of(service: Service): View
}

interface Labelled {
  readonly labels: Readonly<Record<string, string>>
}

const serviceOf = ({ labels }: Labelled): string => labels[LABEL.service] ?? ''
const isOf =
  ({ uid }: Service) =>
  ({ labels }: Labelled): boolean =>
    labels[LABEL.resource] === uid

export async function readWorld({ store, cluster }: WorldPorts, services: readonly Service[]): Promise<World> {
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
  const [podsOf, jobsOf, serversOf] = [
    Map.groupBy(pods, serviceOf),
    Map.groupBy(jobs, serviceOf),
    Map.groupBy(servers, serviceOf),
  ]
  const cronJobsOf = Map.groupBy(
    cronJobs.map((labels) => ({ labels })),
    serviceOf,
  )
  return {
    of(service) {
      const { id } = service
      const mine = isOf(service)
      const all = [...(jobsOf.get(id) ?? []), ...(serversOf.get(id) ?? []), ...(cronJobsOf.get(id) ?? [])]
      return {
        jobs: (jobsOf.get(id) ?? []).filter(mine),
        pods: (podsOf.get(id) ?? []).filter(mine),
        servers: (serversOf.get(id) ?? []).filter(mine),
        hasCronJob: (cronJobsOf.get(id) ?? []).some(mine),
        hasRemains: all.some((one) => !mine(one)),
        runs: runs.get(id) ?? [],
        manifests: manifests.get(id) ?? [],
      }
    },
  }
}
