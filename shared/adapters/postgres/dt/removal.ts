/** Deletes rows of services, and returns the bodies whose contents the caller has to release. */
import type { ServiceId } from '../../../dt/model.ts'
import type { Body } from '../../../files/model.ts'
import type { Db } from '../rows.ts'

/** The caller releases each in its own transaction. */
type Bodies = readonly Body[]

const bodiesOf = (rows: readonly { readonly body: Body | null }[]): Bodies =>
  rows.flatMap(({ body }) => (body === null ? [] : [body]))

/** All output sets of a service, or those of the firings before one. */
interface Sets {
  readonly id: ServiceId
  readonly before: number | null
}

const among = (tx: Db, { id, before }: Sets) =>
  before === null ? tx`service_id = ${id}` : tx`service_id = ${id} and firing < ${before}`

async function dropSets(tx: Db, sets: Sets, files: 'delete' | 'keep'): Promise<Bodies> {
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

/** Runs in its own transaction. @see DtStore.erase */
export async function erase(tx: Db, id: ServiceId, outputs: 'delete' | 'keep'): Promise<Bodies> {
  const { count } = await tx`delete from dt.service where id = ${id} and phase = 'removing'`
  if (count === 0) return []
  const bodies = await dropSets(tx, { id, before: null }, outputs)
  const mounts = await tx<{ body: Body | null }[]>`delete from dt.mount where service_id = ${id} returning body`
  return [...bodies, ...bodiesOf(mounts)]
}

/** Runs in its own transaction. @see DtStore.pruneFirings */
export async function pruneFirings(tx: Db, id: ServiceId, keep: number): Promise<Bodies> {
  // The deletion of sets updates counts in the row of the service.
  await tx`select from dt.service where id = ${id} for no key update`
  const [oldest] = await tx<{ firing: number }[]>`
    select firing from (select distinct firing from dt.run where service_id = ${id}) firings
    order by firing desc offset ${keep - 1} limit 1`
  if (!oldest) return []
  await tx`delete from dt.run where service_id = ${id} and firing < ${oldest.firing}`
  return dropSets(tx, { id, before: oldest.firing }, 'delete')
}
