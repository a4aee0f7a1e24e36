/**
 * `GET /service/`: a page of services, oldest first. Database only: no service can spoil the page of the others. Screens ask
 * for it every few seconds: who asks for a page at the same time gets one reading of it.
 */
import { singleFlight } from '../platform/single-flight.ts'
import type { Listed } from './ports/store.ts'
import type { DtPorts } from './ports.ts'
import { type ListRow, rowOf } from './show.ts'

export interface ServicePage {
  readonly skip: number
  readonly limit: number
}

/** For one process, over one store. What is read as one list is shown as one, too. */
export function createList(): (ports: Pick<DtPorts, 'store'>, page: ServicePage) => Promise<ListRow[]> {
  const shown = new WeakMap<readonly Listed[], ListRow[]>()
  async function show({ store }: Pick<DtPorts, 'store'>, key: string): Promise<ListRow[]> {
    const [skip = 0, limit = 0] = key.split('/').map(Number)
    const rows = await store.list(skip, limit)
    const known = shown.get(rows) ?? rows.map(rowOf)
    shown.set(rows, known)
    return known
  }
  let read: ((key: string) => Promise<ListRow[]>) | undefined
  return (ports, { skip, limit }) => {
    read ??= singleFlight((key: string) => show(ports, key))
    return read(`${skip}/${limit}`)
  }
}
