/** The state of a status loop: one row in table `loop` of the schema of its system. */
import type { LoopState, LoopStore } from '../../platform/ports.ts'
import type { Database } from './database.ts'
import type { Db } from './rows.ts'

type Schema = 'po' | 'dt'

/** Reads the row; the first call inserts it. `columns` adds columns that only one system has. */
export async function loopState<State extends LoopState>(
  sql: Db,
  schema: Schema,
  now: Date,
  columns = sql``,
): Promise<State> {
  const table = sql(`${schema}.loop`)
  const read = () => sql<[State?]>`
    select completed_slot::float8 as "completedSlot", completed_at as "completedAt", installed_at as "installedAt" ${columns}
    from ${table}`
  const [known] = await read()
  if (known) return known
  await sql`insert into ${table} (installed_at) values (${now}) on conflict do nothing`
  const [installed] = (await read()) as unknown as [State]
  return installed
}

export function createLoop({ query }: Pick<Database, 'query'>, schema: Schema): LoopStore {
  const table = `${schema}.loop`
  return {
    takeSlot: (slot, now) =>
      query(async (sql) => {
        const taken = await sql`
          insert into ${sql(table)} as row (installed_at, taken_slot) values (${now}, ${slot})
          on conflict (singleton) do update set taken_slot = excluded.taken_slot
          where row.taken_slot is null or row.taken_slot < excluded.taken_slot
          returning taken_slot`
        return taken.length > 0
      }),
    giveBackSlot: (slot) =>
      query(async (sql) => {
        await sql`update ${sql(table)} set taken_slot = taken_slot - 1 where taken_slot = ${slot}`
      }),
    completeSlot: (slot, at) =>
      query(async (sql) => {
        await sql`
          insert into ${sql(table)} as row (installed_at, completed_slot, completed_at) values (${at}, ${slot}, ${at})
          on conflict (singleton) do update set completed_slot = excluded.completed_slot, completed_at = excluded.completed_at
          where row.completed_slot is null or row.completed_slot < excluded.completed_slot`
      }),
    loopState: (now) => query((sql) => loopState(sql, schema, now)),
  }
}
