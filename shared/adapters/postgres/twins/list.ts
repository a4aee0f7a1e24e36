/** What callers see of services: a page in one statement, each row with its mounts and outputs. */
import type { ServiceId } from '../../../dt/model.ts'
import type { Listed } from '../../../dt/ports.ts'
import type { Db } from '../rows.ts'
import { serviceColumns } from './rows.ts'

type Row = Listed['service'] & { readonly mounts: Listed['mounts'] | null; readonly outputs: Listed['outputs'] | null }

const listedOf = ({ mounts, outputs, ...service }: Row): Listed => ({
  service,
  mounts: mounts ?? {},
  outputs: outputs ?? {},
})

/** The services of the part `page`; what they have beside them is read for all of them at once. */
const described = (sql: Db) => sql`
  mounts as (
    select service_id, json_object_agg(file_id, name order by name) as files
    from dt.mount where service_id in (select id from page) group by service_id
  ), outputs as (
    select output.service_id, json_object_agg(output.file_id, file.filename order by output.seq) as files
    from dt.output output join dt.file file on file.id = output.file_id
    where output.service_id in (select id from page)
    group by output.service_id
  )
  select ${serviceColumns(sql)}, mounts.files as mounts, outputs.files as outputs
  from page row
  left join mounts on mounts.service_id = row.id
  left join outputs on outputs.service_id = row.id
  order by row.created_at, row.id`

/** @see Store.list */
export async function list(sql: Db, skip: number, limit: number): Promise<Listed[]> {
  const rows = await sql<Row[]>`
    with page as materialized (
      select * from dt.service where phase not in ('launching', 'removing')
      order by created_at, id offset ${skip} limit ${limit}
    ), ${described(sql)}`
  return rows.map(listedOf)
}

/** @see Store.listed */
export async function listed(sql: Db, id: ServiceId): Promise<Listed | undefined> {
  const [row] = await sql<Row[]>`
    with page as materialized (
      select * from dt.service where id = ${id} and phase not in ('launching', 'removing')
    ), ${described(sql)}`
  return row && listedOf(row)
}
