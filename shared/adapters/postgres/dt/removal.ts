/** How what a service had goes: its rows at once, the contents of its files one after the other. */
import type { ServiceId } from '../../../dt/model.ts'
import type { Body } from '../../../files/model.ts'
import type { Db } from '../rows.ts'

/** Bodies whose holders went; whoever calls lets each go in a transaction of its own. */
type Held = readonly Body[]

const bodiesOf = (rows: readonly { readonly body: Body | null }[]): Held =>
  rows.flatMap(({ body }) => (body === null ? [] : [body]))

/** Which sets: all of the service, or those of firings before one. */
interface Sets {
  readonly id: ServiceId
  readonly before: number | null
}

const among = (tx: Db, { id, before }: Sets) =>
  before === null ? tx`service_id = ${id}` : tx`service_id = ${id} and firing < ${before}`

async function dropSets(tx: Db, sets: Sets, files: 'delete' | 'keep'): Promise<Held> {
  const outputs =
    files === 'keep'
      ? []
      : await tx<{ body: Body }[]>`
          delete from dt.file where id in (select file_id from dt.output where ${among(tx, sets)}) and origin = 'output'
          returning body`
  const parts = await tx<{ body: Body }[]>`delete from dt.part where ${among(tx, sets)} returning body`
  await tx`delete from dt.output_set where ${among(tx, sets)}`
  return [...bodiesOf(outputs), ...bodiesOf(parts)]
}

/** Runs in a transaction of its own. @see Store.erase */
export async function erase(tx: Db, id: ServiceId, outputs: 'delete' | 'keep'): Promise<Held> {
  const { count } = await tx`delete from dt.service where id = ${id} and phase = 'removing'`
  if (count === 0) return []
  const held = await dropSets(tx, { id, before: null }, outputs)
  const mounts = await tx<{ body: Body | null }[]>`delete from dt.mount where service_id = ${id} returning body`
  return [...held, ...bodiesOf(mounts)]
}

/** Runs in a transaction of its own. @see Store.pruneFirings */
export async function pruneFirings(tx: Db, id: ServiceId, keep: number): Promise<Held> {
  // Its counts follow its sets.
  await tx`select from dt.service where id = ${id} for no key update`
  const [oldest] = await tx<{ firing: number }[]>`
    select firing from (select distinct firing from dt.run where service_id = ${id}) firings
    order by firing desc offset ${keep - 1} limit 1`
  if (!oldest) return []
  await tx`delete from dt.run where service_id = ${id} and firing < ${oldest.firing}`
  return dropSets(tx, { id, before: oldest.firing }, 'delete')
}
