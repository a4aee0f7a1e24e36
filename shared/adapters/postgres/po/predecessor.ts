/**
 * The Predecessor port on the tables `analysis` and `archive` of the Python service (version 0.5 or later) in the schema
 * `public`. Reads only, in transactions that cannot write.
 *
 * Statuses, names and ids are unchecked texts there; this file does not interpret them.
 */
import { NO_KONG_TOKEN } from '../../../po/model.ts'
import type { FormerRow, FormerSecrets, Predecessor } from '../../../po/ports/adopt.ts'
import type { Database } from '../database.ts'
import { withDeadline } from '../faults.ts'
import type { Db } from '../rows.ts'

const TABLES = ['analysis', 'archive'] as const satisfies readonly FormerRow['table'][]

const COLUMNS = [
  'id',
  'deployment_name',
  'analysis_id',
  'project_id',
  'registry_url',
  'image_url',
  'registry_user',
  'registry_password',
  'status',
  'log',
  'namespace',
  'kong_token',
  'progress',
  'time_created',
] as const

/** Shorter values are not secrets, and replacing them would garble the log. */
const SECRET_LENGTH = 8
const CALL_MS = 10_000
/** A log is one text of any length. */
const LOG_MS = 60_000

async function missing(sql: Db): Promise<string[]> {
  const rows = await sql<{ table: string; column: string }[]>`
    select table_name as "table", column_name as "column" from information_schema.columns
    where table_schema = 'public' and table_name in ${sql(TABLES)}
      and has_column_privilege(format('public.%I', table_name)::regclass, column_name, 'select')`
  const found = new Map(TABLES.map((table) => [table, new Set<string>()]))
  for (const { table, column } of rows) found.get(table as FormerRow['table'])?.add(column)
  return TABLES.flatMap((table) => {
    const columns = found.get(table)
    if (!columns?.size) return [table]
    return COLUMNS.filter((column) => !columns.has(column)).map((column) => `${table}.${column}`)
  })
}

const rowsOf = (sql: Db, table: FormerRow['table']) => sql<FormerRow[]>`
  select ${table}::text as "table", id as key,
    coalesce(deployment_name, '') as deployment,
    coalesce(analysis_id, '') as "analysisId",
    coalesce(project_id, '') as "projectId",
    coalesce(registry_url, '') as "registryUrl",
    coalesce(image_url, '') as image,
    coalesce(status, '') as status,
    coalesce(progress, 0) as progress,
    coalesce(namespace, '') as namespace,
    to_timestamp(time_created) as "createdAt",
    case
      when kong_token = ${NO_KONG_TOKEN} then 'unneeded'
      when coalesce(kong_token, '') = '' then 'missing'
      else 'given'
    end as kong
  from public.${sql(table)} order by time_created nulls first, id`

async function secretsOf(sql: Db, { table, key }: FormerRow): Promise<FormerSecrets | undefined> {
  const [row] = await sql<FormerSecrets[]>`
    select coalesce(registry_user, '') as "registryUser", coalesce(registry_password, '') as "registryPassword",
      coalesce(kong_token, '') as "kongToken"
    from public.${sql(table)} where id = ${key}`
  return row
}

/** Replaces the value of the column in the text. */
const without = (sql: Db, text: ReturnType<Db>, column: string) => sql`
  case when length(${sql(column)}) >= ${SECRET_LENGTH} and ${sql(column)} <> ${NO_KONG_TOKEN}
    then replace(${text}, ${sql(column)}, '[secret]') else ${text} end`

/** The last bytes, without half a character at their start. */
function tailOf(text: string, limitBytes: number): string {
  const bytes = Buffer.from(text)
  if (bytes.length <= limitBytes) return text
  let start = bytes.length - limitBytes
  while (((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1
  return bytes.toString('utf8', start)
}

async function logOf(sql: Db, { table, key }: FormerRow, limitBytes: number) {
  const cleaned = without(sql, sql`(${without(sql, sql`log`, 'registry_password')})`, 'kong_token')
  const [row] = await sql<{ text: string; bytes: number }[]>`
    select right(text, ${limitBytes}) as text, octet_length(text)::float8 as bytes
    from (select ${cleaned} as text from public.${sql(table)} where id = ${key} and coalesce(log, '') <> '') row`
  if (!row) return undefined
  const text = tailOf(row.text, limitBytes)
  return { text, leftOut: row.bytes - Buffer.byteLength(text) }
}

/** @param database of the Python service, which may differ from ours */
export function createPredecessor(database: Pick<Database, 'transaction'>): Predecessor {
  const read = <T>(ms: number, work: (tx: Db) => Promise<T>): Promise<T> =>
    withDeadline(ms, () =>
      database.transaction(async (tx) => {
        await tx`set transaction read only`
        return work(tx)
      }),
    )
  return {
    missing: () => read(CALL_MS, missing),
    rows: () => read(CALL_MS, async (tx) => [...(await rowsOf(tx, 'archive')), ...(await rowsOf(tx, 'analysis'))]),
    secrets: (row) => read(CALL_MS, (tx) => secretsOf(tx, row)),
    log: (row, limitBytes) => read(LOG_MS, (tx) => logOf(tx, row, limitBytes)),
  }
}
