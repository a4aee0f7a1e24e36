/**
 * `GET /service/`: a page of services, oldest first. Database only: no service can spoil the page of the others. Screens ask
 * for it every few seconds: who asks for a page at the same time gets one reading of it.
 */
import { nextReading } from '../work/next-reading.ts'
import type { Ports } from './ports.ts'
import { type ListRow, rowOf } from './show.ts'

export interface Page {
  readonly skip: number
  readonly limit: number
}

export async function list({ store }: Pick<Ports, 'store'>, { skip, limit }: Page): Promise<ListRow[]> {
  return (await store.list(skip, limit)).map(rowOf)
}

/** The same for one process, over one store. */
export function createList(): (ports: Pick<Ports, 'store'>, page: Page) => Promise<ListRow[]> {
  let read: ((key: string) => Promise<ListRow[]>) | undefined
  return (ports, { skip, limit }) => {
    read ??= nextReading((key: string) => {
      const [from = 0, count = 0] = key.split('/').map(Number)
      return list(ports, { skip: from, limit: count })
    })
    return read(`${skip}/${limit}`)
  }
}
