/**
 * Pages of services with their mounts and outputs, each read in one statement. The last page is cached: statements with the
 * same snapshot see the same rows, so it is valid until any transaction has written.
 */
import type { ServiceId } from '../../../dt/model.ts'
import type { Listed } from '../../../dt/ports/store.ts'
import type { Clock, Db } from '../rows.ts'
import { serviceColumns, shownColumns } from './rows.ts'

type Row = Listed['service'] & {
  readonly mounts: Listed['mounts'] | null
  readonly outputs: Listed['outputs'] | null
  /** Snapshot of the statement. */
  readonly snapshot: string
}

/** A restored server may repeat transaction ids, so the cached page expires. */
const CACHE_MS = 10_000
/** Most rows of a page that is cached. */
const CACHE_ROWS = 10_000

const listedOf = ({ mounts, outputs, snapshot: _, ...service }: Row): Listed => ({
  service,
  mounts: mounts ?? {},
  outputs: outputs ?? {},
})

/** The services of the CTE `page`, joined with the mounts and outputs of all of them. */
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

interface CachedPage {
  readonly position: string
  readonly snapshot: string
  readonly at: number
  readonly rows: Listed[]
}

/** @see DtStore.list */
export function createListQuery(clock: Clock): (sql: Db, skip: number, limit: number) => Promise<Listed[]> {
  let last: CachedPage | undefined
  return async (sql, skip, limit) => {
    const position = `${skip}/${limit}`
    if (last?.position === position && clock().getTime() - last.at < CACHE_MS) {
      const [now] = await sql<[{ snapshot: string }]>`select pg_current_snapshot()::text as snapshot`
      if (now.snapshot === last.snapshot) return last.rows
    }
    const at = clock().getTime()
    const found = await page(sql, skip, limit)
    const rows = found.map(listedOf)
    const snapshot = found[0]?.snapshot
    last = snapshot !== undefined && rows.length <= CACHE_ROWS ? { position, snapshot, at, rows } : undefined
    return rows
  }
}

/** @see DtStore.listed */
export async function listed(sql: Db, id: ServiceId): Promise<Listed | undefined> {
  const [row] = await sql<Row[]>`
    with page as materialized (
      select * from dt.service where id = ${id} and phase not in ('launching', 'removing')
    ), ${described(sql)}`
  return row && listedOf(row)
}
