/** The one row of the status loop. */
import type { LoopState } from '../../../po/ports.ts'
import type { Clock, Db } from '../rows.ts'

/** @see Store.takeSlot */
export async function takeSlot(sql: Db, slot: number, clock: Clock): Promise<boolean> {
  const taken = await sql`
    insert into po.loop as row (installed_at, taken_slot) values (${clock()}, ${slot})
    on conflict (singleton) do update set taken_slot = excluded.taken_slot
    where row.taken_slot is null or row.taken_slot < excluded.taken_slot
    returning taken_slot`
  return taken.length > 0
}

/** Only the last slot taken can be given back: earlier ones are past. @see Store.giveBackSlot */
export async function giveBackSlot(sql: Db, slot: number): Promise<void> {
  await sql`update po.loop set taken_slot = taken_slot - 1 where taken_slot = ${slot}`
}

/** @see Store.completeSlot */
export async function completeSlot(sql: Db, slot: number, at: Date): Promise<void> {
  await sql`
    insert into po.loop as row (installed_at, completed_slot, completed_at) values (${at}, ${slot}, ${at})
    on conflict (singleton) do update set completed_slot = excluded.completed_slot, completed_at = excluded.completed_at
    where row.completed_slot is null or row.completed_slot < excluded.completed_slot`
}

/** A fault that was told late does not turn the time back. @see Store.pardonSilence */
export async function rememberFault(sql: Db, at: Date): Promise<void> {
  await sql`
    insert into po.loop as row (installed_at, fault_at) values (${at}, ${at})
    on conflict (singleton) do update set fault_at = greatest(row.fault_at, excluded.fault_at)`
}

/** @see Store.loopState */
export async function loopState(sql: Db, now: Date): Promise<LoopState> {
  const read = () => sql<LoopState[]>`
    select completed_slot::float8 as "completedSlot", completed_at as "completedAt", installed_at as "installedAt",
      fault_at as "faultAt"
    from po.loop`
  const [known] = await read()
  if (known) return known
  await sql`insert into po.loop (installed_at) values (${now}) on conflict do nothing`
  const [installed] = await read()
  return installed ?? { completedSlot: null, completedAt: null, installedAt: now, faultAt: null }
}
