/**
 * What callers see of services: a page in one statement, each row with its mounts and outputs. Statements whose snapshots are
 * one see the same rows: as long as nobody has written anything, the page that was read last is the page.
 */
import type { ServiceId } from '../../../dt/model.ts'
import type { Listed } from '../../../dt/ports/store.ts'
import type { Clock, Db } from '../rows.ts'
import { serviceColumns, shownColumns } from './rows.ts'

type Row = Listed['service'] & {
  readonly mounts: Listed['mounts'] | null
  readonly outputs: Listed['outputs'] | null
  /** The transactions that its statement sees. */
  readonly snapshot: string
}

/** A server that was restored counts its transactions anew. */
const SAME_MS = 10_000
/** Rows of a page that is remembered. */
const LARGEST = 10_000

const listedOf = ({ mounts, outputs, snapshot: _, ...service }: Row): Listed => ({
  service,
  mounts: mounts ?? {},
  outputs: outputs ?? {},
})

/** The services of the part `page`; what they have beside them is read for all of them at once. */
const described = (sql: Db, columns = serviceColumns) => sql`
  mounts as (
    select service_id, json_object_agg(file_id, name order by name) as files
    from dt.mount where service_id in (select id from page) group by service_id
  ), outputs as (
    select output.service_id, json_object_agg(output.file_id, file.filename order by output.seq) as files
    from dt.output output join dt.file file on file.id = output.file_id
    where output.service_id in (select id from page)
    group by output.service_id
  )
  select ${columns(sql)}, mounts.files as mounts, outputs.files as outputs,
    pg_current_snapshot()::text as snapshot
  from page row
  left join mounts on mounts.service_id = row.id
  left join outputs on outputs.service_id = row.id
  order by row.created_at, row.id`

const page = (sql: Db, skip: number, limit: number) => sql<Row[]>`
  with page as materialized (
    select * from dt.service where phase not in ('launching', 'removing')
    order by created_at, id offset ${skip} limit ${limit}
  ), ${described(sql, shownColumns)}`

interface Reading {
  readonly place: string
  readonly snapshot: string
  readonly at: number
  readonly rows: Listed[]
}

/** @see Store.list */
export function createList(clock: Clock): (sql: Db, skip: number, limit: number) => Promise<Listed[]> {
  let last: Reading | undefined
  return async (sql, skip, limit) => {
    const place = `${skip}/${limit}`
    if (last?.place === place && clock().getTime() - last.at < SAME_MS) {
      const [now] = await sql<[{ snapshot: string }]>`select pg_current_snapshot()::text as snapshot`
      if (now.snapshot === last.snapshot) return last.rows
    }
    const at = clock().getTime()
    const found = await page(sql, skip, limit)
    const rows = found.map(listedOf)
    const snapshot = found[0]?.snapshot
    last = snapshot !== undefined && rows.length <= LARGEST ? { place, snapshot, at, rows } : undefined
    return rows
  }
}

/** @see Store.listed */
export async function listed(sql: Db, id: ServiceId): Promise<Listed | undefined> {
  const [row] = await sql<Row[]>`
    with page as materialized (
      select * from dt.service where id = ${id} and phase not in ('launching', 'removing')
    ), ${described(sql)}`
  return row && listedOf(row)
}
