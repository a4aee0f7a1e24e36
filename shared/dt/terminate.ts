/**
 * `DELETE /service/{id}/terminate`: requests the deletion of the resource with everything it owns, and hides the service once
 * Kubernetes has accepted that. After an error the service still exists, and the call may be repeated.
 */
import { LATE_MS, PHASES, type Phase, type ServiceId } from './model.ts'
import type { DtPorts } from './ports.ts'
import { serviceNotFound, shown } from './status.ts'

type TerminatePorts = Pick<DtPorts, 'store' | 'cluster' | 'log' | 'now'>

const SHOWN: readonly Phase[] = PHASES.filter((phase) => phase !== 'removing' && phase !== 'launching')

/** The sweep deletes its rows and outputs once its resource is deleted. */
export async function remove(ports: TerminatePorts, id: ServiceId, why: string): Promise<boolean> {
  const { store, cluster, log, now } = ports
  await cluster.removeResource(id)
  const change = { id, kind: 'terminated', run: null, detail: { reason: why }, at: now() } as const
  const moved = await store.move(id, SHOWN, 'removing', { changes: [change] })
  if (moved) log('action', 'service terminated', { service: id, reason: why })
  return moved !== undefined
}

/** @throws Fault `not_found`, also for a repeated call; `unavailable` or `refused` by Kubernetes */
export async function terminate(ports: TerminatePorts, id: ServiceId): Promise<{ message: string }> {
  await shown(ports, id)
  if (!(await remove(ports, id, 'a caller terminated it'))) throw serviceNotFound()
  return { message: 'Service terminated successfully' }
}

/** Time after a removal when no late call can create an object of the service any more. */
export const SETTLED_MS = 2 * LATE_MS
