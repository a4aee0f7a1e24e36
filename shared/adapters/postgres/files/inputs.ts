/** What runs find: mounts, and in a fan-in the outputs of the others. Query functions. */
import type { Body, ObjectId, StoredFile } from '../../../files/model.ts'
import type { RunInput } from '../../../files/ports.ts'
import type { Db } from '../rows.ts'

export async function isThere(sql: Db, id: ObjectId): Promise<boolean> {
  const rows = await sql`select from dt.service where id = ${id} and phase <> 'removing'`
  return rows.length > 0
}

/**
 * Mounts that follow their file, and those whose file was not there yet, take what it has now. Bodies that they had are the
 * answer, to be let go. The file is locked first, so that its content cannot go in between.
 */
export async function refresh(tx: Db, id: ObjectId): Promise<Body[]> {
  await tx`select from dt.service where id = ${id} for key share`
  await tx`
    select from dt.file where id in (select file_id from dt.mount where service_id = ${id} and (follows or body is null))
    order by id for share`
  const rows = await tx<{ before: Body | null }[]>`
    update dt.mount row set body = file.body
    from dt.mount old join dt.file file on file.id = old.file_id
    where old.service_id = ${id} and row.service_id = old.service_id and row.name = old.name
      and (old.follows or old.body is null) and old.body is distinct from file.body
    returning old.body as before`
  return rows.flatMap(({ before }) => (before === null ? [] : [before]))
}

interface Row {
  readonly name: string
  readonly fileId: string
  readonly sha256: string | null
  readonly length: number | null
}

const toInput = ({ name, fileId, sha256, length }: Row): RunInput => ({
  name,
  fileId,
  content: sha256 === null || length === null ? undefined : { sha256, length },
})

export async function inputs(sql: Db, id: ObjectId, firing: number | null): Promise<RunInput[]> {
  const rows = await sql<Row[]>`
    select mount.name, mount.file_id as "fileId", encode(content.sha256, 'hex') as sha256,
      content.length::float8 as length
    from dt.mount left join dt.content using (body)
    where mount.service_id = ${id}
    union all
    select 'outputs/' || output.run_index || '/' || output.path, output.file_id, encode(content.sha256, 'hex'),
      content.length::float8
    from dt.output
    join dt.file on file.id = output.file_id
    join dt.content using (body)
    where output.service_id = ${id} and output.firing = ${firing}::bigint
      and output.attempt = (
        select max(attempt) from dt.output_set last
        where last.service_id = output.service_id and last.firing = output.firing
          and last.run_index = output.run_index and last.state = 'complete')
    order by name`
  return rows.map(toInput)
}

export async function held(sql: Db, id: ObjectId, sha256: string) {
  const [row] = await sql<Pick<StoredFile, 'body' | 'sha256' | 'length'>[]>`
    select content.body, encode(content.sha256, 'hex') as sha256, content.length::float8 as length
    from dt.content
    where sha256 = ${Buffer.from(sha256, 'hex')}
      and exists (select from dt.service where id = ${id} and phase <> 'removing')
      and (
        exists (select from dt.mount where service_id = ${id} and body = content.body)
        or exists (
          select from dt.output join dt.file on file.id = output.file_id
          where output.service_id = ${id} and file.body = content.body))`
  return row
}
