/** The ImportIntake port: records services of another database as ended, with their mounts and outputs. */
import type { ImportInput, ImportIntake } from '../../../import/ports.ts'
import type { Database } from '../database.ts'
import { type Db, storable } from '../rows.ts'
import { mount } from './mounts.ts'
import { asJson } from './rows.ts'

/** Runs in its own transaction. */
async function take(tx: Db, { service, phase, reason, succeeded }: ImportInput): Promise<boolean> {
  const { id, spec, createdAt, outputs } = service
  const { count } = await tx`
    insert into dt.service (id, spec, job_type, phase, reason, succeeded, created_at, ended_at)
    values (
      ${id}, ${asJson(spec)}::text::json, ${spec.jobType}, ${phase}, ${reason}, ${succeeded}, ${createdAt}, ${createdAt}
    )
    on conflict (id) do nothing`
  if (count === 0) return false
  await mount(tx, id, spec)
  if (outputs.length === 0) return true
  const rows = outputs.map(({ fileId, filename }, seq) => ({
    seq,
    file_id: storable(fileId),
    path: storable(filename),
  }))
  // It is unknown which run uploaded which output: each output gets a set of its own.
  await tx`
    insert into dt.output_set (service_id, firing, run_index, attempt, state, begun_at, ended_at)
    select ${id}, 0, seq, 0, 'complete', ${createdAt}, ${createdAt} from generate_series(0, ${rows.length - 1}) seq`
  await tx`
    insert into dt.output (service_id, seq, firing, run_index, attempt, path, file_id)
    select ${id}, seq, 0, seq, 0, path, file_id
    from json_to_recordset(${JSON.stringify(rows)}::text::json) as given (seq integer, path text, file_id text)`
  return true
}

export const createImportIntake = ({ transaction }: Database): ImportIntake => ({
  take: (input) => transaction((tx) => take(tx, input)),
})
