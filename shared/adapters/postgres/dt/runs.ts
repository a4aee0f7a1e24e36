/** Runs of services and their output manifests. */
import { type Manifest, type Run, type ServiceId, SHOWN_RUNS, SHOWN_TAIL_BYTES } from '../../../dt/model.ts'
import type { OutputRow, Recording } from '../../../dt/ports/store.ts'
import { type Db, storable } from '../rows.ts'
import { recordChanges } from './changes.ts'
import { runColumns } from './rows.ts'

/** @see DtStore.runs */
export async function runs(sql: Db, id: ServiceId): Promise<Run[]> {
  const rows = await sql<Run[]>`
    with last as (
      select *, sum(octet_length(log_tail)) over (order by firing desc, run_index desc, attempt desc) as bytes
      from dt.run where service_id = ${id} order by firing desc, run_index desc, attempt desc limit ${SHOWN_RUNS}
    )
    select ${runColumns(sql, `case when row.bytes <= ${SHOWN_TAIL_BYTES} then row.log_tail end`)} from last row
    order by firing, run_index, attempt`
  return [...rows]
}

/** Rows by service, in their order. */
function grouped<T>(rows: readonly (T & { readonly serviceId: ServiceId })[]): Map<ServiceId, T[]> {
  const groups = new Map<ServiceId, T[]>()
  for (const { serviceId, ...rest } of rows) {
    const group = groups.get(serviceId) ?? []
    group.push(rest as T)
    groups.set(serviceId, group)
  }
  return groups
}

/** Runs of the present resource: those of the present firing on demand, and all firings since its creation if scheduled. */
const isCounted = (sql: Db) => sql`
  row.firing >= service.first_firing and (service.job_type <> 'ondemand' or row.firing = service.firing)`

/** @see DtStore.runsOf */
export async function runsOf(sql: Db, ids: readonly ServiceId[]): Promise<Map<ServiceId, Run[]>> {
  if (ids.length === 0) return new Map()
  return grouped<Run>(
    await sql<(Run & { serviceId: ServiceId })[]>`
      select row.service_id as "serviceId", ${runColumns(sql, 'null')} from dt.run row
      join dt.service service on service.id = row.service_id
      where row.service_id in ${sql(ids)} and ${isCounted(sql)}
      order by row.service_id, row.firing, row.run_index, row.attempt`,
  )
}

/** @see DtStore.manifests */
export async function manifests(sql: Db, ids: readonly ServiceId[]): Promise<Map<ServiceId, Manifest[]>> {
  if (ids.length === 0) return new Map()
  return grouped<Manifest>(
    await sql<(Manifest & { serviceId: ServiceId })[]>`
      select row.service_id as "serviceId", row.firing::float8 as firing, row.run_index as index, row.attempt, row.state,
        row.reason,
        (select count(*)::integer from dt.output output
          where output.service_id = row.service_id and output.firing = row.firing
            and output.run_index = row.run_index and output.attempt = row.attempt) as files
      from dt.output_set row
      join dt.service service on service.id = row.service_id
      where row.service_id in ${sql(ids)} and ${isCounted(sql)}`,
  )
}

async function recordRun(tx: Db, id: ServiceId, run: Run): Promise<void> {
  const { firing, index, attempt, pod, phase, exitCode, reason, startedAt, endedAt, logTail } = run
  const words = reason === null ? null : storable(reason)
  const tail = logTail === null ? null : storable(logTail)
  await tx`
    insert into dt.run as row (
      service_id, firing, run_index, attempt, pod, phase, exit_code, reason, started_at, ended_at, log_tail
    ) values (
      ${id}, ${firing}, ${index}, ${attempt}, ${pod}, ${phase}, ${exitCode}, ${words}, ${startedAt}, ${endedAt}, ${tail}
    )
    on conflict (service_id, firing, run_index, attempt) do update set
      pod = excluded.pod, phase = excluded.phase, exit_code = excluded.exit_code, reason = excluded.reason,
      started_at = coalesce(excluded.started_at, row.started_at), ended_at = excluded.ended_at,
      log_tail = coalesce(excluded.log_tail, row.log_tail)
    where row.phase not in ('succeeded', 'failed')`
}

/** Runs in its own transaction. @see DtStore.recordRuns */
export async function recordRuns(tx: Db, id: ServiceId, { runs, changes }: Recording): Promise<void> {
  const [service] = await tx`
    select from dt.service where id = ${id} and phase <> 'removing' for no key update`
  if (!service) return
  for (const run of runs) await recordRun(tx, id, run)
  await recordChanges(tx, changes)
}

/** @see DtStore.outputs */
export async function outputs(sql: Db, id: ServiceId): Promise<OutputRow[]> {
  const rows = await sql<OutputRow[]>`
    select output.seq, output.firing::float8 as firing, output.run_index as index, output.attempt, output.path,
      output.file_id as "fileId", file.filename
    from dt.output output join dt.file file on file.id = output.file_id
    where output.service_id = ${id}
    order by output.seq`
  return [...rows]
}
