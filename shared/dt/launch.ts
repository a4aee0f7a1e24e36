/**
 * `POST /service/launch`: the intent is recorded first, then the resource is made; its objects are made by `reconcile`. A
 * launch that Kubernetes refuses leaves no row, and one whose end is not known is taken back.
 */
import { isFault } from '../platform/fault.ts'
import type { ServiceId, ServiceSpec } from './model.ts'
import { analyticsResource } from './objects/index.ts'
import type { DtPorts } from './ports.ts'

type LaunchPorts = Pick<DtPorts, 'store' | 'cluster' | 'newId' | 'log' | 'now'>

/** A launch, already checked. */
export interface LaunchRequest {
  readonly spec: ServiceSpec
  readonly labels: Readonly<Record<string, string>>
}

/** A launch may take this long; until then nobody takes it for one that was cut off. */
const LAUNCH_LEASE_MS = 30_000

/** Makes the resource, or leaves nothing: what may be there in spite of an error is removed by the sweep. */
async function make(ports: LaunchPorts, id: ServiceId, { spec, labels }: LaunchRequest): Promise<string> {
  const { store, cluster } = ports
  try {
    const { uid } = await cluster.create(analyticsResource(id, spec, labels))
    return uid
  } catch (error) {
    if (isFault(error, 'refused')) await store.abandon(id)
    else await store.move(id, ['launching'], 'removing')
    throw error
  }
}

/** @throws Fault `refused` in the words of Kubernetes; `unavailable` when it or the database is away: nothing runs then */
export async function launch(ports: LaunchPorts, request: LaunchRequest): Promise<{ id: ServiceId }> {
  const { store, cluster, newId, log, now } = ports
  const { spec } = request
  const id = newId()
  if (!(await store.begin({ id, ...request, leaseMs: LAUNCH_LEASE_MS }))) throw new TypeError('an id was made twice')
  const uid = await make(ports, id, request)
  const detail = { image: spec.image, jobType: spec.jobType, reps: spec.reps }
  const change = { id, kind: 'launched', run: null, detail, at: now() } as const
  // Somebody took it for cut off meanwhile: it is as if it had never been.
  if (!(await store.launched(id, uid, change))) await cluster.removeResource(id)
  log('action', 'service launched', { service: id, image: spec.image, jobType: spec.jobType })
  return { id }
}
