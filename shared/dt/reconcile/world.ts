/** What Kubernetes and the database know of services that may change: read once, in requests whose number ended services do not raise. */
import { allSettledOrThrow } from '../../platform/concurrency.ts'
import type { Manifest, Run, Service, ServiceId } from '../model.ts'
import { LABEL } from '../names.ts'
import type { JobFacts, PodFacts, ServerFacts } from '../ports/cluster.ts'
import type { Ports } from '../ports.ts'

export type WorldPorts = Pick<Ports, 'store' | 'cluster'>

/** Of one service; what belongs to another resource of its name is told apart. */
export interface View {
  readonly jobs: readonly JobFacts[]
  readonly pods: readonly PodFacts[]
  readonly servers: readonly ServerFacts[]
  readonly hasCronJob: boolean
  /** Something of a former resource of this name is still there. */
  readonly hasRemains: boolean
  readonly runs: readonly Run[]
  readonly manifests: readonly Manifest[]
}

export interface World {
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
  // Pods before Jobs: what a Job says of its pods is then at least as new as what is seen of them.
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
