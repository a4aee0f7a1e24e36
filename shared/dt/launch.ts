/**
 * `POST /service/launch`: records the intent, then creates the resource; `reconcile` creates its objects. A launch that
 * Kubernetes refuses leaves no row, and one with an unknown outcome is removed.
 */
import { isFault } from '../platform/fault.ts'
import type { Service, ServiceId } from './model.ts'
import { analyticsResource } from './objects/index.ts'
import type { DtPorts } from './ports.ts'

type LaunchPorts = Pick<DtPorts, 'store' | 'cluster' | 'newId' | 'log' | 'now'>

/** A validated launch. */
export type LaunchRequest = Pick<Service, 'spec' | 'labels'>

/** Until then the loop does not treat a launch as interrupted. */
const LAUNCH_LEASE_MS = 30_000

/** Creates the resource. After an error, the sweep removes a resource that may exist nevertheless. */
async function createResource(ports: LaunchPorts, id: ServiceId, { spec, labels }: LaunchRequest): Promise<string> {
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

/** @throws Fault `refused` with the message of Kubernetes; `unavailable` when it or the database is down: nothing runs then */
export async function launch(ports: LaunchPorts, request: LaunchRequest): Promise<{ id: ServiceId }> {
  const { store, cluster, newId, log, now } = ports
  const { spec } = request
  const id = newId()
  if (!(await store.begin({ id, ...request, leaseMs: LAUNCH_LEASE_MS }))) throw new TypeError('an id was made twice')
  const uid = await createResource(ports, id, request)
  const detail = { image: spec.image, jobType: spec.jobType, reps: spec.reps }
  const change = { id, kind: 'launched', run: null, detail, at: now() } as const
  // The loop has treated it as interrupted meanwhile.
  if (!(await store.launched(id, uid, change))) await cluster.removeResource(id)
  log('action', 'service launched', { service: id, image: spec.image, jobType: spec.jobType })
  return { id }
}
