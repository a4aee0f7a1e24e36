/** Inputs of runs: mounts and, in a fan-in, the outputs of the other runs. */
import type { Body, ObjectId, StoredFile } from '../../../files/model.ts'
import type { ContentScope, FilePage, RunInputFile } from '../../../files/ports.ts'
import type { Db } from '../rows.ts'

export async function isThere(sql: Db, id: ObjectId): Promise<boolean> {
  const rows = await sql`select from dt.service where id = ${id} and phase <> 'removing'`
  return rows.length > 0
}

/**
 * Updates mounts that follow their file, or whose file did not exist before, to its present content. Resolves to the former
 * bodies, which the caller releases. Locks the files first, so their contents cannot be released meanwhile.
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

const toInput = ({ name, fileId, sha256, length }: Row): RunInputFile => ({
  name,
  fileId,
  content: sha256 === null || length === null ? undefined : { sha256, length },
})

/** Compares names by their bytes, so pages do not depend on the collation. */
export async function inputs(
  sql: Db,
  id: ObjectId,
  firing: number | null,
  { after, limit }: FilePage,
): Promise<RunInputFile[]> {
  const rows = await sql<Row[]>`
    with found as (
      select mount.name, mount.file_id, mount.body from dt.mount where mount.service_id = ${id}
      union all
      select 'outputs/' || output.run_index || '/' || output.path, output.file_id, file.body
      from dt.output join dt.file on file.id = output.file_id
      where output.service_id = ${id} and output.firing = ${firing}::bigint
        and output.attempt = (
          select max(attempt) from dt.output_set last
          where last.service_id = output.service_id and last.firing = output.firing
            and last.run_index = output.run_index and last.state = 'complete')
    )
    select found.name, found.file_id as "fileId", encode(content.sha256, 'hex') as sha256,
      content.length::float8 as length
    from found left join dt.content using (body)
    where found.name collate "C" > ${after}
    order by found.name collate "C" limit ${limit}`
  return rows.map(toInput)
}

const inScope = (sql: Db, scope: ContentScope) =>
  typeof scope === 'object' ? sql`output.firing = ${scope.firing}::bigint` : sql`${scope === 'all firings'}::boolean`

export async function findContent(sql: Db, id: ObjectId, sha256: string, scope: ContentScope) {
  const [row] = await sql<Pick<StoredFile, 'body' | 'sha256' | 'length'>[]>`
    select content.body, encode(content.sha256, 'hex') as sha256, content.length::float8 as length
    from dt.content
    where sha256 = ${Buffer.from(sha256, 'hex')}
      and exists (select from dt.service where id = ${id} and phase <> 'removing')
      and (
        exists (select from dt.mount where service_id = ${id} and body = content.body)
        or exists (
          select from dt.output join dt.file on file.id = output.file_id
          where output.service_id = ${id} and ${inScope(sql, scope)} and file.body = content.body))`
  return row
}
