/**
 * What runs leave: parts of an open set, which become outputs in one transaction. Query functions; all but `find` run in a
 * transaction of their own, and lock the service first, so that nothing is taken for one that is being removed.
 */
import type { Body, ObjectId, StoredFile } from '../../../files/model.ts'
import type { OutputFile, OutputSet, Received, RunKey } from '../../../files/ports.ts'
import { type Db, storable, texts } from '../rows.ts'
import { adopt, discard } from './contents.ts'
import { find as findFile } from './files.ts'
import { isThere } from './inputs.ts'

const isRun = (sql: Db, { serviceId, firing, index, attempt }: RunKey) =>
  sql`service_id = ${serviceId} and firing = ${firing} and run_index = ${index} and attempt = ${attempt}`

async function find(sql: Db, run: RunKey): Promise<OutputSet | undefined> {
  const [set] = await sql<Omit<OutputSet, 'files'>[]>`select state, reason from dt.output_set where ${isRun(sql, run)}`
  if (!set) return undefined
  const files = await sql<OutputFile[]>`
    select found.path, encode(content.sha256, 'hex') as sha256, content.length::float8 as length
    from (
      select path, body from dt.part where ${isRun(sql, run)}
      union all
      select path, body from dt.output join dt.file on file.id = output.file_id where ${isRun(sql, run)}
    ) found
    join dt.content using (body)
    order by found.path`
  return { ...set, files: [...files] }
}

export async function output(sql: Db, id: ObjectId, seq: number): Promise<StoredFile | undefined | null> {
  if (!(await isThere(sql, id))) return null
  const [row] = await sql<{ file: ObjectId }[]>`
    select file_id as file from dt.output where service_id = ${id} and seq::bigint = ${seq}::bigint`
  return row && findFile(sql, row.file)
}

export async function open(tx: Db, run: RunKey, now: Date): Promise<OutputSet | undefined> {
  const { serviceId, firing, index, attempt } = run
  const [service] = await tx`
    select from dt.service where id = ${serviceId} and phase <> 'removing' for key share`
  if (!service) return undefined
  await tx`
    insert into dt.output_set (service_id, firing, run_index, attempt, state, begun_at)
    values (${serviceId}, ${firing}, ${index}, ${attempt}, 'open', ${now})
    on conflict do nothing`
  return find(tx, run)
}

/** The set, locked until the transaction ends, if it is open. */
async function locked(tx: Db, run: RunKey): Promise<boolean> {
  const [service] = await tx`
    select from dt.service where id = ${run.serviceId} and phase <> 'removing' for no key update`
  if (!service) return false
  const sets = await tx`select from dt.output_set where ${isRun(tx, run)} and state = 'open' for update`
  return sets.length > 0
}

/** The body that the path had before is the answer, to be let go; undefined when nothing is taken. */
export async function keep(tx: Db, received: Received, run: RunKey, path: string, at: Date) {
  if (!(await locked(tx, run))) {
    await discard(tx, received.body, at)
    return undefined
  }
  const [before] = await tx<{ body: Body }[]>`
    select body from dt.part where ${isRun(tx, run)} and path = ${path}`
  const body = await adopt(tx, received, at)
  const { serviceId, firing, index, attempt } = run
  await tx`
    insert into dt.part (service_id, firing, run_index, attempt, path, body)
    values (${serviceId}, ${firing}, ${index}, ${attempt}, ${path}, ${body})
    on conflict (service_id, firing, run_index, attempt, path) do update set body = excluded.body`
  return { before: before && before.body !== body ? before.body : undefined }
}

interface Named {
  readonly path: string
  readonly id: ObjectId
}

/** The files are locked as parts of a locked set: nobody lets their contents go meanwhile. */
export async function complete(tx: Db, run: RunKey, files: readonly Named[], notes: readonly string[], now: Date) {
  if (!(await locked(tx, run))) return false
  const { serviceId, firing, index, attempt } = run
  const parts = await tx<{ path: string }[]>`select path from dt.part where ${isRun(tx, run)}`
  const taken = new Set(parts.map(({ path }) => path))
  const named = new Set(files.map(({ path }) => path))
  if (named.size !== files.length || named.size !== taken.size) return false
  if (![...named].every((path) => taken.has(path))) return false
  const given = [
    texts(
      tx,
      files.map(({ path }) => path),
    ),
    texts(
      tx,
      files.map(({ id }) => id),
    ),
  ] as const
  await tx`
    insert into dt.file (id, filename, origin, body, created_at, uploaded_at)
    select named.id, named.path, 'output', part.body, ${now}::timestamptz, ${now}::timestamptz
    from unnest(${given[0]}, ${given[1]}) as named (path, id)
    join dt.part on part.path = named.path and ${isRun(tx, run)}`
  await tx`
    insert into dt.output (service_id, seq, firing, run_index, attempt, path, file_id)
    select ${serviceId}::text, coalesce((select max(seq) + 1 from dt.output where service_id = ${serviceId}), 0)
        + row_number() over (order by named.path collate "C") - 1,
      ${firing}::bigint, ${index}::integer, ${attempt}::integer, named.path, named.id
    from unnest(${given[0]}, ${given[1]}) as named (path, id)`
  await tx`delete from dt.part where ${isRun(tx, run)}`
  await tx`
    update dt.output_set set state = 'complete', ended_at = ${now}, notes = ${texts(tx, notes.map(storable))} where ${isRun(tx, run)}`
  return true
}

/** Bodies that the set had are the answer, to be let go. */
export async function giveUp(
  tx: Db,
  run: RunKey,
  reason: string,
  notes: readonly string[],
  now: Date,
): Promise<Body[]> {
  if (!(await locked(tx, run))) return []
  const parts = await tx<{ body: Body }[]>`delete from dt.part where ${isRun(tx, run)} returning body`
  await tx`
    update dt.output_set set state = 'incomplete', reason = ${storable(reason)}, ended_at = ${now},
      notes = ${texts(tx, notes.map(storable))}
    where ${isRun(tx, run)}`
  return parts.map(({ body }) => body)
}
