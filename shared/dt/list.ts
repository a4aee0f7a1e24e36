/**
 * `GET /service/`: a page of services, oldest first. Database only, so no service can make the page fail. Screens request it
 * every few seconds, so concurrent requests for one page share a read.
 */
import { singleFlight } from '../platform/single-flight.ts'
import type { Listed } from './ports/store.ts'
import type { DtPorts } from './ports.ts'
import { rowOf } from './show.ts'

type ListRow = ReturnType<typeof rowOf>

/** For one process and one store. The same list from the store gives the same list of rows. */
export function createList() {
  const shown = new WeakMap<readonly Listed[], ListRow[]>()
  async function show({ store }: Pick<DtPorts, 'store'>, key: string): Promise<ListRow[]> {
    const [skip = 0, limit = 0] = key.split('/').map(Number)
    const rows = await store.list(skip, limit)
    const known = shown.get(rows) ?? rows.map(rowOf)
    shown.set(rows, known)
    return known
  }
  let read: ((key: string) => Promise<ListRow[]>) | undefined
  return (ports: Pick<DtPorts, 'store'>, { skip, limit }: { readonly skip: number; readonly limit: number }) => {
    read ??= singleFlight((key: string) => show(ports, key))
    return read(`${skip}/${limit}`)
  }
}
