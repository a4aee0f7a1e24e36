/** The one row of the loop. */
import type { LoopState } from '../../../dt/ports.ts'
import type { Db } from '../rows.ts'

/** @see Store.takeSlot */
export async function takeSlot(sql: Db, slot: number, now: Date): Promise<boolean> {
  const taken = await sql`
    insert into dt.loop as row (installed_at, taken_slot) values (${now}, ${slot})
    on conflict (singleton) do update set taken_slot = excluded.taken_slot
    where row.taken_slot is null or row.taken_slot < excluded.taken_slot
    returning taken_slot`
  return taken.length > 0
}

/** Only the last slot taken can be given back: earlier ones are past. @see Store.giveBackSlot */
export async function giveBackSlot(sql: Db, slot: number): Promise<void> {
  await sql`update dt.loop set taken_slot = taken_slot - 1 where taken_slot = ${slot}`
}

/** @see Store.completeSlot */
export async function completeSlot(sql: Db, slot: number, at: Date): Promise<void> {
  await sql`
    insert into dt.loop as row (installed_at, completed_slot, completed_at) values (${at}, ${slot}, ${at})
    on conflict (singleton) do update set completed_slot = excluded.completed_slot, completed_at = excluded.completed_at
    where row.completed_slot is null or row.completed_slot < excluded.completed_slot`
}

/** @see Store.loopState */
export async function loopState(sql: Db, now: Date): Promise<LoopState> {
  await sql`insert into dt.loop (installed_at) values (${now}) on conflict do nothing`
  const [state] = await sql<[LoopState]>`
    select completed_slot::float8 as "completedSlot", completed_at as "completedAt", installed_at as "installedAt"
    from dt.loop`
  return state
}
