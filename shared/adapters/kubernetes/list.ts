/** Reads all pages of a list. */
import { apiFault, call, type Subject } from './api.ts'
import type { ApiConnection, Call } from './connection.ts'
import { createItemReader } from './items.ts'

/** A page without its items. */
interface Page {
  readonly metadata?: { readonly continue?: string }
}

export interface List<T, R> {
  readonly subject: Subject
  readonly path: string
  /** Label selector; empty for all. */
  readonly selector: string
  readonly accept?: string
  readonly pageSize?: number
  /** Reduces an item. Only the results of the pages read so far are in memory. */
  readonly pick: (item: T) => R
}

/**
 * Lists again from the start if the continue token expires between two pages (410), because pages of different versions are
 * not consistent. A second expiry is a fault: then we are too slow for this server.
 */
export async function listAll<T, R>(connection: ApiConnection, list: List<T, R>): Promise<R[]> {
  return (await readPages(connection, list, [410])) ?? (await readPages(connection, list, [])) ?? []
}

/** Calls `onItem` for each item; undefined for a status in `giveUpOn`. */
function readPage(
  connection: ApiConnection,
  subject: Subject,
  request: Omit<Call, 'signal'>,
  onItem: (json: string) => void,
  giveUpOn: readonly number[],
): Promise<Page | undefined> {
  return call(connection, subject, request, connection.deadlineMs, async (answer) => {
    if (answer.status >= 300) {
      const text = await answer.body.text()
      if (giveUpOn.includes(answer.status)) return undefined
      throw apiFault(subject, answer, text)
    }
    const reader = createItemReader(onItem)
    for await (const chunk of answer.body) reader.write(chunk as Uint8Array)
    return JSON.parse(reader.rest()) as Page
  })
}

async function readPages<T, R>(
  connection: ApiConnection,
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
    const keep = (json: string) => items.push(pick(JSON.parse(json) as T))
    const page = await readPage(connection, subject, request, keep, giveUpOn)
    if (!page) return undefined
    next = page.metadata?.continue
  } while (next)
  return items
}
