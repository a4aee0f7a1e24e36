/** What runs of a service find below `/input`: contents as they are at the launch, or as they will be at each firing. */
import type { ServiceId, ServiceSpec } from '../../../dt/model.ts'
import { type Db, storable } from '../rows.ts'

/**
 * Puts the mounts of a launch in the place of those that were there; a spec that says nothing of them leaves them. The content
 * is locked with its file, so that it cannot go in between. Runs in the caller's transaction.
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

/** File id → name, of each of these services. */
export async function mountsOf(sql: Db, id: ServiceId): Promise<Record<string, string>> {
  const rows = await sql<{ fileId: string; name: string }[]>`
    select file_id as "fileId", name from dt.mount where service_id = ${id} order by name`
  return Object.fromEntries(rows.map(({ fileId, name }) => [fileId, name]))
}
