/** How rows of the schema `dt` become words of the model. */
import { type Db, storable } from '../rows.ts'

const SERVICE = `
  row.id, row.spec, row.labels, row.uid, row.phase, row.reason, row.url, row.firing::float8 as firing,
  json_build_object('active', row.active, 'succeeded', row.succeeded, 'failed', row.failed) as counts,
  row.created_at as "createdAt", row.ended_at as "endedAt", row.claimed_until as "claimedUntil",
  row.attempts`

const RUN = `
  row.firing::float8 as firing, row.run_index as index, row.attempt, row.pod, row.phase, row.exit_code as "exitCode",
  row.reason, row.started_at as "startedAt", row.ended_at as "endedAt"`

/** All columns of a service whose table is called `row` in the statement. */
export const serviceColumns = (sql: Db) => sql.unsafe(SERVICE)
/** Characters of a spec beyond which a list shows its start: services of versions without a bound may have any. */
const LONG_SPEC = 131_072
const SHOWN_DESCRIPTION = 10_000
const SHOWN_SPEC = `
  case when length(row.spec::text) <= ${LONG_SPEC} then row.spec
    else (row.spec::jsonb - 'env'
      || jsonb_build_object('description', left(row.spec ->> 'description', ${SHOWN_DESCRIPTION})))::json
  end as spec`
/** The same for a page of services, of which no one may be so large that there is no room for the others. */
export const shownColumns = (sql: Db) => sql.unsafe(SERVICE.replace('row.spec', () => SHOWN_SPEC))
/** What runs wrote last is much: `logTail` says which of it is read, if any. */
export const runColumns = (sql: Db, logTail: string) => sql.unsafe(`${RUN}, ${logTail} as "logTail"`)

/** `jsonb` takes no NUL either, and what programs wrote last may hold some. */
export const asJson = (value: object): string =>
  JSON.stringify(value, (_, entry: unknown) => (typeof entry === 'string' ? storable(entry) : entry))
