/** Columns of the tables of DT. */
import { type Db, storable } from '../rows.ts'

const SERVICE = `
  row.id, row.spec, row.labels, row.uid, row.phase, row.reason, row.url, row.firing::float8 as firing,
  json_build_object('active', row.active, 'succeeded', row.succeeded, 'failed', row.failed) as counts,
  row.created_at as "createdAt", row.ended_at as "endedAt", row.claimed_until as "claimedUntil",
  row.attempts`

const RUN = `
  row.firing::float8 as firing, row.run_index as index, row.attempt, row.pod, row.phase, row.exit_code as "exitCode",
  row.reason, row.started_at as "startedAt", row.ended_at as "endedAt"`

/** All columns of a service; the statement calls its table `row`. */
export const serviceColumns = (sql: Db) => sql.unsafe(SERVICE)
/** Lists shorten a longer spec. Versions without a limit may have stored such specs. */
const LONG_SPEC = 131_072
const SHOWN_DESCRIPTION = 10_000
const SHOWN_SPEC = `
  case when length(row.spec::text) <= ${LONG_SPEC} then row.spec
    else (row.spec::jsonb - 'env'
      || jsonb_build_object('description', left(row.spec ->> 'description', ${SHOWN_DESCRIPTION})))::json
  end as spec`
/** The same with bounded specs, for pages of services. */
export const shownColumns = (sql: Db) => sql.unsafe(SERVICE.replace('row.spec', () => SHOWN_SPEC))
/** Columns of a run. `logTail` is an expression, because log tails are large and often not needed. */
export const runColumns = (sql: Db, logTail: string) => sql.unsafe(`${RUN}, ${logTail} as "logTail"`)

/** JSON that `jsonb` can store: logs and reasons may contain NUL. */
export const asJson = (value: object): string =>
  JSON.stringify(value, (_, entry: unknown) => (typeof entry === 'string' ? storable(entry) : entry))
