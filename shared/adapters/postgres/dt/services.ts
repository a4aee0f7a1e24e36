/** Rows of services: launch, adoption and transitions. */
import { ENDED_PHASES, type Phase, type Service, type ServiceChange, type ServiceId } from '../../../dt/model.ts'
import type { AdoptInput, NewService, ServicePatch } from '../../../dt/ports/store.ts'
import { type Db, later, storable } from '../rows.ts'
import { recordChanges } from './changes.ts'
import { mount } from './mounts.ts'
import { asJson, serviceColumns } from './rows.ts'

/** Runs in its own transaction. @see DtStore.begin */
export async function begin(tx: Db, { id, spec, labels, leaseMs }: NewService, now: Date): Promise<boolean> {
  const { count } = await tx`
    insert into dt.service (id, spec, labels, job_type, phase, firing, created_at, retention_days, claimed_until)
    values (
      ${id}, ${asJson(spec)}::text::json, ${asJson(labels)}::text::json, ${spec.jobType}, 'launching',
      ${spec.jobType === 'scheduled' ? -1 : 0}, ${now}, ${spec.retentionDays}, ${later(now, leaseMs)}
    )
    on conflict (id) do nothing`
  if (count === 1) await mount(tx, id, spec)
  return count === 1
}

/** Runs in its own transaction. @see DtStore.launched */
export async function launched(tx: Db, id: ServiceId, uid: string, change: ServiceChange): Promise<boolean> {
  const { count } = await tx`
    update dt.service set uid = ${uid}, phase = 'pending', claimed_until = null where id = ${id} and phase = 'launching'`
  if (count === 1) await recordChanges(tx, [change])
  return count === 1
}

/** @see DtStore.abandon */
export async function abandon(tx: Db, id: ServiceId): Promise<void> {
  const { count } = await tx`delete from dt.service where id = ${id} and phase = 'launching'`
  if (count === 1) await tx`delete from dt.mount where service_id = ${id}`
}

/**
 * Resets the row for a new resource. On demand it gets a firing number that no run of the id had. A scheduled service keeps its
 * last one: earlier firings are not reported again, and later ones have a later minute as number.
 */
async function relaunch(tx: Db, known: Service, input: AdoptInput): Promise<Service | undefined> {
  const { id, spec, labels, uid, createdAt } = input
  const [{ last }] = await tx<[{ last: number }]>`
    select greatest(${known.firing}, max(firing))::float8 as last from dt.run where service_id = ${id}`
  const firing = spec.jobType === 'scheduled' ? last : last + 1
  const [row] = await tx<Service[]>`
    update dt.service row set
      spec = ${asJson(spec)}::text::json, labels = ${asJson(labels)}::text::json, job_type = ${spec.jobType},
      uid = ${uid}, phase = 'pending', reason = null, active = 0, succeeded = 0, failed = 0, url = null,
      firing = ${firing}, first_firing = ${last + 1}, created_at = ${createdAt}, ended_at = null, retention_days = ${spec.retentionDays},
      claimed_until = null, attempts = 0, due_at = null
    where id = ${id}
    returning ${serviceColumns(tx)}`
  return row
}

/** Runs in its own transaction. @see DtStore.adopt */
export async function adopt(tx: Db, input: AdoptInput, change: ServiceChange): Promise<Service | undefined> {
  const { id, spec, labels, uid, createdAt } = input
  const [inserted] = await tx<Service[]>`
    insert into dt.service as row (id, spec, labels, job_type, uid, phase, firing, created_at, retention_days)
    values (
      ${id}, ${asJson(spec)}::text::json, ${asJson(labels)}::text::json, ${spec.jobType}, ${uid}, 'pending',
      ${spec.jobType === 'scheduled' ? -1 : 0}, ${createdAt}, ${spec.retentionDays}
    )
    on conflict (id) do nothing
    returning ${serviceColumns(tx)}`
  const adopted = inserted ?? (await adoptKnown(tx, input))
  if (!adopted) return undefined
  await mount(tx, id, spec)
  await recordChanges(tx, [change])
  return adopted
}

async function adoptKnown(tx: Db, input: AdoptInput): Promise<Service | undefined> {
  const [known] = await tx<Service[]>`
    select ${serviceColumns(tx)} from dt.service row where id = ${input.id} for update`
  if (!known || known.phase === 'removing' || known.phase === 'launching' || known.uid === input.uid) return undefined
  return relaunch(tx, known, input)
}

/** @see DtStore.find */
export async function find(sql: Db, id: ServiceId): Promise<Service | undefined> {
  const [row] = await sql<Service[]>`select ${serviceColumns(sql)} from dt.service row where id = ${id}`
  return row
}

/** @see DtStore.findMany */
export async function findMany(sql: Db, ids: readonly ServiceId[]): Promise<Service[]> {
  if (ids.length === 0) return []
  const rows = await sql<Service[]>`select ${serviceColumns(sql)} from dt.service row where id in ${sql(ids)}`
  return [...rows]
}

/** @see DtStore.unfinished */
export async function unfinished(sql: Db, now: Date): Promise<Service[]> {
  const rows = await sql<Service[]>`
    select ${serviceColumns(sql)} from dt.service row
    where phase not in ('succeeded', 'failed', 'terminated') and (phase <> 'launching' or claimed_until <= ${now})
    order by created_at, id`
  return [...rows]
}

/** Fields that the patch omits stay unchanged. */
function assignments(tx: Db, to: Phase, { reason, url, firing, uid, counts }: ServicePatch, now: Date) {
  const ended = (ENDED_PHASES as readonly Phase[]).includes(to)
  const words = typeof reason === 'string' ? storable(reason) : reason
  const endedAt = to === 'removing' ? now : ended ? tx`coalesce(ended_at, ${now}::timestamptz)` : null
  const changed = Object.entries({ reason: words, url, firing, uid, ...counts }).map(([column, value]) =>
    value === undefined ? tx`` : tx`, ${tx(column)} = ${value}`,
  )
  return tx`phase = ${to}, ended_at = ${endedAt} ${changed}`
}

/** Runs in its own transaction. @see DtStore.move */
export async function move(
  tx: Db,
  id: ServiceId,
  { from, to, patch }: { readonly from: readonly Phase[]; readonly to: Phase; readonly patch: ServicePatch },
  now: Date,
): Promise<Service | undefined> {
  const [row] = await tx<Service[]>`
    update dt.service row set ${assignments(tx, to, patch, now)}
    where id = ${id} and phase in ${tx(from)}
    returning ${serviceColumns(tx)}`
  if (row) await recordChanges(tx, patch.changes ?? [])
  return row
}

/** Longest back-off between reconciliations that fail or end their process. */
const MAX_BACKOFF_SECONDS = 900

/** @see DtStore.claim */
export async function claim(sql: Db, ids: readonly ServiceId[], now: Date, leaseMs: number): Promise<Service[]> {
  if (ids.length === 0) return []
  const rows = await sql<Service[]>`
    with free as (
      select id from dt.service
      where id in ${sql(ids)} and (claimed_until is null or claimed_until <= ${now})
        and (due_at is null or due_at <= ${now})
      order by created_at, id
      for no key update skip locked
    )
    update dt.service row set claimed_until = ${later(now, leaseMs)}, attempts = row.attempts + 1,
      due_at = ${now}::timestamptz
        + make_interval(secs => least(${leaseMs / 1000} * power(2, least(row.attempts, 10)), ${MAX_BACKOFF_SECONDS}))
    from free where row.id = free.id
    returning ${serviceColumns(sql)}`
  return [...rows]
}

/** @see DtStore.releaseClaims, DtStore.releaseFailedClaims */
export async function releaseClaims(sql: Db, ids: readonly ServiceId[], endedWell: boolean): Promise<void> {
  if (ids.length === 0) return
  const backoffReset = endedWell ? sql`, attempts = 0, due_at = null` : sql``
  await sql`
    with claimed as (
      select id from dt.service where id in ${sql(ids)} order by created_at, id for no key update
    )
    update dt.service row set claimed_until = null ${backoffReset} from claimed where row.id = claimed.id`
}

/** @see DtStore.expired */
export async function expired(sql: Db, now: Date, days: number, limit: number): Promise<ServiceId[]> {
  const rows = await sql<{ id: ServiceId }[]>`
    select id from dt.service
    where phase in ('succeeded', 'failed', 'terminated')
      and coalesce(retention_days, ${days}) > 0
      and ended_at + make_interval(days => coalesce(retention_days, ${days})) <= ${now}
    order by ended_at, id limit ${limit}`
  return rows.map(({ id }) => id)
}
