/**
 * `DELETE /service/{id}/terminate`: the resource is asked to go first, with all it owns; only when Kubernetes has taken that,
 * the service is forgotten. An error means that it is there still, and the same call again goes on.
 */
import { LATE_MS, PHASES, type Phase, type ServiceId } from './model.ts'
import type { DtPorts } from './ports.ts'
import { serviceNotFound, shown } from './status.ts'

type TerminatePorts = Pick<DtPorts, 'store' | 'cluster' | 'log' | 'now'>

const SHOWN: readonly Phase[] = PHASES.filter((phase) => phase !== 'removing' && phase !== 'launching')

/** Its rows and outputs are cleared away by the sweep, when its resource is gone. */
export async function remove(ports: TerminatePorts, id: ServiceId, why: string): Promise<boolean> {
  const { store, cluster, log, now } = ports
  await cluster.removeResource(id)
  const change = { id, kind: 'terminated', run: null, detail: { reason: why }, at: now() } as const
  const moved = await store.move(id, SHOWN, 'removing', { changes: [change] })
  if (moved) log('action', 'service terminated', { service: id, reason: why })
  return moved !== undefined
}

/** @throws Fault `not_found`, a second time, too; `unavailable` or `refused` while Kubernetes does not let it go */
export async function terminate(ports: TerminatePorts, id: ServiceId): Promise<{ message: string }> {
  await shown(ports, id)
  if (!(await remove(ports, id, 'a caller terminated it'))) throw serviceNotFound()
  return { message: 'Service terminated successfully' }
}

/** How long after its removal nothing of a service can come any more, even what was given up. */
export const SETTLED_MS = 2 * LATE_MS
