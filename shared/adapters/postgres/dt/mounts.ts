/** Mounts: the files below `/input` of a service's runs, with their contents at the launch or at each firing. */
import type { ServiceId, ServiceSpec } from '../../../dt/model.ts'
import { type Db, storable } from '../rows.ts'

/**
 * Replaces the mounts of a service, unless the spec has none. Locks the files, so their contents cannot be released meanwhile.
 * Runs in the caller's transaction.
 */
export async function mount(tx: Db, id: ServiceId, { mountFiles, jobType }: ServiceSpec): Promise<void> {
  if (mountFiles === null) return
  const files = Object.entries(mountFiles).map(([fileId, name]) => ({
    file_id: storable(fileId),
    name: storable(name),
  }))
  await tx`delete from dt.mount where service_id = ${id}`
  if (files.length === 0) return
  await tx`select from dt.file where id in ${tx(files.map((file) => file.file_id))} order by id for share`
  await tx`
    insert into dt.mount (service_id, name, file_id, follows, body)
    select ${id}, wanted.name, wanted.file_id, ${jobType === 'scheduled'}, file.body
    from json_to_recordset(${JSON.stringify(files)}::text::json) as wanted (file_id text, name text)
    left join dt.file file on file.id = wanted.file_id`
}
