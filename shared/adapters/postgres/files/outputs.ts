/**
 * Outputs of runs: parts of an open set, which become outputs in one transaction. Functions that write run in their own
 * transaction and lock the service first, so a service that is not live gets no outputs.
 */
import {
  type Body,
  exceeded,
  type ObjectId,
  type OutputLimits,
  type RunKey,
  type StoredFile,
  type Used,
} from '../../../files/model.ts'
import type { FilePage, Kept, OutputFile, OutputSet, Received, SetDigest } from '../../../files/ports.ts'
import { type Db, storable, textArray } from '../rows.ts'
import { discard, storeContent } from './contents.ts'
import { find as findFile } from './files.ts'
import { isThere } from './inputs.ts'
import { lockActive } from './standing.ts'

const isRun = (sql: Db, { serviceId, firing, index, attempt }: RunKey) =>
  sql`service_id = ${serviceId} and firing = ${firing} and run_index = ${index} and attempt = ${attempt}`

async function find(sql: Db, run: RunKey): Promise<OutputSet | undefined> {
  const [set] = await sql<OutputSet[]>`
    select state, reason, files, bytes::float8 as bytes from dt.output_set where ${isRun(sql, run)}`
  return set
}

export async function taken(sql: Db, run: RunKey, { after, limit }: FilePage): Promise<OutputFile[]> {
  const files = await sql<OutputFile[]>`
    select part.path, encode(content.sha256, 'hex') as sha256, content.length::float8 as length
    from dt.part join dt.content using (body)
    where ${isRun(sql, run)} and part.path collate "C" > ${after}
    order by part.path collate "C" limit ${limit}`
  return [...files]
}

export async function output(sql: Db, id: ObjectId, seq: number): Promise<StoredFile | 'no_service' | 'no_output'> {
  if (!(await isThere(sql, id))) return 'no_service'
  const [row] = await sql<{ file: ObjectId }[]>`
    select file_id as file from dt.output where service_id = ${id} and seq::bigint = ${seq}::bigint`
  return (row && (await findFile(sql, row.file))) ?? 'no_output'
}

export async function open(tx: Db, run: RunKey, now: Date): Promise<OutputSet | undefined> {
  const { serviceId, firing, index, attempt } = run
  if (!(await isThere(tx, serviceId))) return undefined
  const known = await find(tx, run)
  if (known) return known
  if (!(await lockActive(tx, run))) return undefined
  await tx`
    insert into dt.output_set (service_id, firing, run_index, attempt, state, begun_at)
    values (${serviceId}, ${firing}, ${index}, ${attempt}, 'open', ${now})
    on conflict do nothing`
  return find(tx, run)
}

interface Slot {
  readonly used: Used
  /** The part that has the path already. */
  readonly before: { readonly body: Body; readonly length: number } | undefined
}

const NOTHING: Used = { run: { files: 0, bytes: 0 }, service: { files: 0, bytes: 0 } }

/** Usage of set and service without the part at a path. */
async function slot(sql: Db, run: RunKey, path: string): Promise<Slot> {
  const [before] = await sql<{ body: Body; length: number }[]>`
    select part.body, content.length::float8 as length from dt.part join dt.content using (body)
    where ${isRun(sql, run)} and part.path = ${path}`
  const [row] = await sql<[{ files: number; bytes: number; allFiles: number; allBytes: number }?]>`
    select row.files, row.bytes::float8 as bytes, service.output_files::float8 as "allFiles",
      service.output_bytes::float8 as "allBytes"
    from (select * from dt.output_set where ${isRun(sql, run)}) row
    join dt.service service on service.id = row.service_id`
  if (!row) return { used: NOTHING, before }
  const [files, bytes] = before ? [1, before.length] : [0, 0]
  return {
    used: {
      run: { files: row.files - files, bytes: row.bytes - bytes },
      service: { files: row.allFiles - files, bytes: row.allBytes - bytes },
    },
    before,
  }
}

export const used = async (sql: Db, run: RunKey, path: string): Promise<Used> => (await slot(sql, run, path)).used

/** Locks the set until the transaction ends; false if it is not open or its run is over. */
async function locked(tx: Db, run: RunKey): Promise<boolean> {
  if (!(await lockActive(tx, run))) return false
  const sets = await tx`select from dt.output_set where ${isRun(tx, run)} and state = 'open' for update`
  return sets.length > 0
}

interface Taken {
  readonly kept: Kept
  /** The former body of the path, which the caller releases. */
  readonly before?: Body | undefined
}

/** The path of a new part, and the limits of its set. */
interface Target {
  readonly path: string
  readonly limits: OutputLimits
}

/** Puts a body into a locked set if it fits. */
async function put(
  tx: Db,
  run: RunKey,
  { path, limits }: Target,
  length: number,
  store: () => Promise<Body>,
): Promise<Taken> {
  const { used: has, before } = await slot(tx, run, path)
  const over = exceeded(limits, has, { files: 1, bytes: length })
  if (over) return { kept: over }
  const body = await store()
  const { serviceId, firing, index, attempt } = run
  await tx`
    insert into dt.part (service_id, firing, run_index, attempt, path, body)
    values (${serviceId}, ${firing}, ${index}, ${attempt}, ${path}, ${body})
    on conflict (service_id, firing, run_index, attempt, path) do update set body = excluded.body`
  await tx`
    update dt.output_set set files = ${has.run.files + 1}, bytes = ${has.run.bytes + length} where ${isRun(tx, run)}`
  return { kept: 'kept', before: before?.body === body ? undefined : before?.body }
}

export async function keep(tx: Db, received: Received, run: RunKey, target: Target, at: Date): Promise<Taken> {
  const store = () => storeContent(tx, received, at)
  const taken: Taken = (await locked(tx, run))
    ? await put(tx, run, target, received.content.length, store)
    : { kept: 'closed' }
  if (taken.kept !== 'kept') await discard(tx, received.body, at)
  return taken
}

export async function link(tx: Db, sha256: string, run: RunKey, target: Target): Promise<Taken | undefined> {
  if (!(await locked(tx, run))) return { kept: 'closed' }
  const [found] = await tx<{ body: Body; length: number }[]>`
    select content.body, content.length::float8 as length from dt.content
    where sha256 = ${Buffer.from(sha256, 'hex')}
      and exists (select from dt.part where ${isRun(tx, run)} and part.body = content.body)
    for key share`
  return found && put(tx, run, target, found.length, async () => found.body)
}

async function digestOf(sql: Db, run: RunKey): Promise<SetDigest> {
  const [row] = await sql<[SetDigest]>`
    select count(*)::integer as files, coalesce(sum(content.length), 0)::float8 as bytes,
      encode(sha256(coalesce(string_agg(
        convert_to(encode(content.sha256, 'hex') || ' ' || content.length || ' ' || part.path, 'UTF8') || '\\x00'::bytea,
        ''::bytea order by part.path collate "C"), ''::bytea)), 'hex') as sha256
    from dt.part join dt.content using (body) where ${isRun(sql, run)}`
  return row
}

const isSame = (one: SetDigest, other: SetDigest): boolean =>
  one.files === other.files && one.bytes === other.bytes && one.sha256 === other.sha256

/** The parts of a locked set cannot change, so their contents cannot be released meanwhile. */
export async function complete(
  tx: Db,
  run: RunKey,
  digest: SetDigest,
  { ids, notes, now }: { readonly ids: readonly ObjectId[]; readonly notes: readonly string[]; readonly now: Date },
) {
  if (!(await locked(tx, run))) return 'closed'
  if (!isSame(digest, await digestOf(tx, run)) || ids.length !== digest.files) return 'differs'
  const { serviceId, firing, index, attempt } = run
  const [service] = await tx<[{ first: number }]>`
    update dt.service row set next_output = greatest(
        next_output, coalesce((select max(seq) + 1 from dt.output where service_id = row.id), 0)) + ${ids.length}
    where id = ${serviceId}
    returning next_output - ${ids.length} as first`
  await tx`
    with named as materialized (
      select part.path, part.body, given.id, (given.nth - 1)::integer as nth
      from (select path, body, row_number() over (order by path collate "C") as nth from dt.part where ${isRun(tx, run)}) part
      join unnest(${textArray(tx, ids)}) with ordinality as given (id, nth) using (nth)
    ), files as (
      insert into dt.file (id, filename, origin, body, created_at, uploaded_at)
      select id, path, 'output', body, ${now}::timestamptz, ${now}::timestamptz from named
    )
    insert into dt.output (service_id, seq, firing, run_index, attempt, path, file_id)
    select ${serviceId}::text, ${service.first}::integer + nth, ${firing}::bigint, ${index}::integer, ${attempt}::integer,
      path, id
    from named`
  await tx`delete from dt.part where ${isRun(tx, run)}`
  await tx`
    update dt.output_set set state = 'complete', ended_at = ${now}, notes = ${textArray(tx, notes.map(storable))},
      files = ${digest.files}, bytes = ${digest.bytes}
    where ${isRun(tx, run)}`
  return 'complete'
}

/** Resolves to the bodies of the set, which the caller releases. */
export async function giveUp(
  tx: Db,
  run: RunKey,
  reason: string,
  notes: readonly string[],
  now: Date,
): Promise<Body[]> {
  const [service] = await tx`
    select from dt.service where id = ${run.serviceId} and phase <> 'removing' for no key update`
  if (!service) return []
  const sets = await tx`select from dt.output_set where ${isRun(tx, run)} and state = 'open' for update`
  if (sets.length === 0) return []
  const parts = await tx<{ body: Body }[]>`delete from dt.part where ${isRun(tx, run)} returning body`
  await tx`
    update dt.output_set set state = 'incomplete', reason = ${storable(reason)}, ended_at = ${now},
      notes = ${textArray(tx, notes.map(storable))}, files = 0, bytes = 0
    where ${isRun(tx, run)}`
  return parts.map(({ body }) => body)
}

export async function abandoned(sql: Db, before: Date, limit: number): Promise<RunKey[]> {
  const rows = await sql<RunKey[]>`
    select row.service_id as "serviceId", row.firing::float8 as firing, row.run_index as index, row.attempt
    from dt.output_set row
    join dt.service service on service.id = row.service_id
    left join dt.run run on run.service_id = row.service_id and run.firing = row.firing
      and run.run_index = row.run_index and run.attempt = row.attempt
    where row.state = 'open' and row.begun_at < ${before}
      and (run.phase in ('succeeded', 'failed') or service.phase in ('succeeded', 'failed', 'terminated'))
    order by row.begun_at limit ${limit}`
  return [...rows]
}
