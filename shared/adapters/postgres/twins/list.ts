/** What callers see of services: a page in one statement, each row with its mounts and outputs. */
import type { ServiceId } from '../../../dt/model.ts'
import type { Listed, OutputRow } from '../../../dt/ports.ts'
import type { Db } from '../rows.ts'
import { serviceColumns } from './rows.ts'

type Row = Listed['service'] & { readonly mounts: Listed['mounts'] | null; readonly outputs: OutputRow[] | null }

const listedOf = ({ mounts, outputs, ...service }: Row): Listed => ({
  service,
  mounts: mounts ?? {},
  outputs: outputs ?? [],
})

const BESIDE = `
  (select json_object_agg(mount.file_id, mount.name order by mount.name)
    from dt.mount mount where mount.service_id = row.id) as mounts,
  (select json_agg(
      json_build_object(
        'seq', output.seq, 'firing', output.firing, 'index', output.run_index, 'attempt', output.attempt,
        'path', output.path, 'fileId', output.file_id, 'filename', file.filename
      ) order by output.seq
    )
    from dt.output output join dt.file file on file.id = output.file_id
    where output.service_id = row.id) as outputs`

/** @see Store.list */
export async function list(sql: Db, skip: number, limit: number): Promise<Listed[]> {
  const rows = await sql<Row[]>`
    with page as (
      select * from dt.service where phase not in ('launching', 'removing')
      order by created_at, id offset ${skip} limit ${limit}
    )
    select ${serviceColumns(sql)}, ${sql.unsafe(BESIDE)} from page row order by row.created_at, row.id`
  return rows.map(listedOf)
}

/** @see Store.listed */
export async function listed(sql: Db, id: ServiceId): Promise<Listed | undefined> {
  const [row] = await sql<Row[]>`
    select ${serviceColumns(sql)}, ${sql.unsafe(BESIDE)} from dt.service row
    where id = ${id} and phase not in ('launching', 'removing')`
  return row && listedOf(row)
}
