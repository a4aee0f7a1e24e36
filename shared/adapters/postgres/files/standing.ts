/** The recorded state of a service and of one attempt of a run. */
import { LIVE_PHASES } from '../../../dt/model.ts'
import type { RunKey } from '../../../files/model.ts'
import type { Standing } from '../../../files/ports.ts'
import type { Db } from '../rows.ts'

const hasLivePhase = (sql: Db) => sql`phase in ${sql(LIVE_PHASES)}`

export async function standing(sql: Db, { serviceId, firing, index, attempt }: RunKey): Promise<Standing | undefined> {
  const [row] = await sql<Standing[]>`
    select uid, ${hasLivePhase(sql)} as "isLive", job_type = 'scheduled' as "isScheduled",
      exists (select from dt.former_token where until > row.created_at) as "takesFormerTokens",
      coalesce((spec ->> 'reps')::integer, 1) as reps, row.firing::float8 as firing, created_at as "createdAt",
      this.run, of_index.succeeded as "hasSucceeded", of_index.failed as "lastFailed"
    from dt.service row
    left join lateral (
      select case when phase in ('succeeded', 'failed') then 'over' else 'active' end as run
      from dt.run
      where service_id = row.id and firing = ${firing} and run_index = ${index} and attempt = ${attempt}
    ) this on true
    cross join lateral (
      select coalesce(bool_or(phase = 'succeeded'), false) as succeeded, max(attempt) filter (where phase = 'failed') as failed
      from dt.run where service_id = row.id and firing = ${firing} and run_index = ${index}
    ) of_index
    where id = ${serviceId} and phase not in ('launching', 'removing')`
  return row
}

/** Locks the service until the transaction ends; false if it is not live or the run is over. */
export async function lockActive(tx: Db, { serviceId, firing, index, attempt }: RunKey): Promise<boolean> {
  const rows = await tx`select from dt.service where id = ${serviceId} and ${hasLivePhase(tx)} for no key update`
  if (rows.length === 0) return false
  const over = await tx`
    select from dt.run
    where service_id = ${serviceId} and firing = ${firing} and run_index = ${index} and attempt = ${attempt}
      and phase in ('succeeded', 'failed')`
  return over.length === 0
}
