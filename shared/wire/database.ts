/** The connections of a function: one pool for all its ports, so `POSTGRES_MAX` limits the process. */
import { connect, type Database } from '../adapters/postgres/database.ts'
import type { Config } from '../settings/config.ts'

const pools = new WeakMap<object, Database>()

/** Opens nothing before the first query. */
export function databaseOf(context: { readonly config: Config }): Database {
  const pool = pools.get(context) ?? connect(context.config)
  pools.set(context, pool)
  return pool
}
