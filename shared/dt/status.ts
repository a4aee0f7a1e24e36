/** `GET /service/{id}/status`, `/runs`: one service and its runs. Database only. */
import { Fault } from '../platform/fault.ts'
import { parseServiceId, runKey, type Service, type ServiceId } from './model.ts'
import type { DtPorts } from './ports.ts'
import { stateOf } from './show.ts'

type StorePort = Pick<DtPorts, 'store'>

export const serviceNotFound = (): Fault => new Fault('not_found', 'Service not found in database')

/** @throws Fault `not_found` for a text that is not an id */
export function serviceIdOf(text: string): ServiceId {
  const id = parseServiceId(text)
  if (!id) throw serviceNotFound()
  return id
}

/** @throws Fault `not_found`, also while the service is being launched or removed */
export async function shown({ store }: StorePort, id: ServiceId): Promise<Service> {
  const service = await store.find(id)
  if (!service || service.phase === 'launching' || service.phase === 'removing') throw serviceNotFound()
  return service
}

export async function status({ store }: StorePort, id: ServiceId) {
  const listed = await store.listed(id)
  if (!listed) throw serviceNotFound()
  return { ...stateOf(listed.service), output_files: Object.keys(listed.outputs) }
}

const seconds = (time: Date | null): number | null => time && time.getTime() / 1000

export async function runs(ports: StorePort, id: ServiceId) {
  const { spec } = await shown(ports, id)
  const [rows, outputs] = await Promise.all([ports.store.runs(id), ports.store.outputs(id)])
  const files = Map.groupBy(outputs, runKey)
  return rows.map((run) => ({
    firing: run.firing,
    index: run.index,
    step: run.index >= (spec.reps ?? 1) ? ('fan-in' as const) : ('replication' as const),
    attempt: run.attempt,
    run_id: run.pod,
    phase: run.phase,
    exit_code: run.exitCode,
    reason: run.reason,
    started_at: seconds(run.startedAt),
    ended_at: seconds(run.endedAt),
    log_tail: run.logTail,
    output_files: Object.fromEntries((files.get(runKey(run)) ?? []).map(({ fileId, path }) => [fileId, path])),
  }))
}
