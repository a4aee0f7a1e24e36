/** All pages of a list. */
import { callJson, type Subject } from './api.ts'
import type { Connection } from './connection.ts'

interface Page<T> {
  readonly metadata?: { readonly continue?: string }
  /** The API writes null for no item at all. */
  readonly items: readonly T[] | null
}

export interface List<T, R> {
  readonly subject: Subject
  readonly path: string
  /** Label selector; empty for all. */
  readonly selector: string
  readonly accept?: string
  readonly pageSize?: number
  /** What is kept of an item: a page is forgotten before the next one is read. */
  readonly pick: (item: T) => R
}

/**
 * A continuation that expired between two pages (410) begins the list again, once: pages of different moments are no
 * list, and a second expiry means that we are too slow for this server.
 */
export async function listAll<T, R>(connection: Connection, list: List<T, R>): Promise<R[]> {
  return (await readPages(connection, list, [410])) ?? (await readPages(connection, list, [])) ?? []
}

async function readPages<T, R>(
  connection: Connection,
  { subject, path, selector, accept = 'application/json', pageSize = connection.pageSize, pick }: List<T, R>,
  giveUpOn: readonly number[],
): Promise<R[] | undefined> {
  const items: R[] = []
  let next: string | undefined
  do {
    const query = new URLSearchParams({ limit: String(pageSize) })
    if (selector) query.set('labelSelector', selector)
    if (next) query.set('continue', next)
    const request = { method: 'GET', path: `${path}?${query}`, headers: { accept } } as const
    const page: Page<T> | undefined = await callJson<Page<T>>(connection, subject, request, ...giveUpOn)
    if (!page) return undefined
    for (const item of page.items ?? []) items.push(pick(item))
    next = page.metadata?.continue
  } while (next)
  return items
}
