/** `GET /service/{id}/status`, `/runs`: one service and what became of its runs. Database only. */
import { Fault } from '../platform/fault.ts'
import { parseServiceId, type Run, type Service, type ServiceId } from './model.ts'
import type { DtPorts } from './ports.ts'
import { type ShownState, stateOf } from './show.ts'

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

export interface Status extends ShownState {
  readonly output_files: readonly string[]
}

export async function status({ store }: StorePort, id: ServiceId): Promise<Status> {
  const listed = await store.listed(id)
  if (!listed) throw serviceNotFound()
  return { ...stateOf(listed.service), output_files: Object.keys(listed.outputs) }
}

export interface RunRow {
  readonly firing: number
  readonly index: number
  readonly step: 'replication' | 'fan-in'
  readonly attempt: number
  readonly run_id: string
  readonly phase: Run['phase']
  readonly exit_code: number | null
  readonly reason: string | null
  readonly started_at: number | null
  readonly ended_at: number | null
  readonly log_tail: string | null
  readonly output_files: Readonly<Record<string, string>>
}

const seconds = (time: Date | null): number | null => time && time.getTime() / 1000

export async function runs(ports: StorePort, id: ServiceId): Promise<RunRow[]> {
  const { spec } = await shown(ports, id)
  const [rows, outputs] = await Promise.all([ports.store.runs(id), ports.store.outputs(id)])
  const key = ({ firing, index, attempt }: { firing: number; index: number; attempt: number }) =>
    `${firing}/${index}/${attempt}`
  const files = Map.groupBy(outputs, key)
  return rows.map((run) => ({
    firing: run.firing,
    index: run.index,
    step: run.index >= (spec.reps ?? 1) ? 'fan-in' : 'replication',
    attempt: run.attempt,
    run_id: run.pod,
    phase: run.phase,
    exit_code: run.exitCode,
    reason: run.reason,
    started_at: seconds(run.startedAt),
    ended_at: seconds(run.endedAt),
    log_tail: run.logTail,
    output_files: Object.fromEntries((files.get(key(run)) ?? []).map(({ fileId, path }) => [fileId, path])),
  }))
}
