/** `GET /service/`: a page of services, oldest first. Database only: no service can spoil the page of the others. */
import type { Ports } from './ports.ts'
import { type ListRow, rowOf } from './show.ts'

export async function list(
  { store }: Pick<Ports, 'store'>,
  { skip, limit }: { readonly skip: number; readonly limit: number },
): Promise<ListRow[]> {
  return (await store.list(skip, limit)).map(rowOf)
}
