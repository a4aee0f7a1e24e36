/** All pages of a list. */
import { call, refusal, type Subject } from './api.ts'
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
  /** What is kept of an item: a page is forgotten before the next one is read. */
  readonly pick: (item: T) => R
}

/**
 * A continuation that expired between two pages (410) begins the list again, once: pages of different moments are no
 * list, and a second expiry means that we are too slow for this server.
 */
export async function listAll<T, R>(connection: ApiConnection, list: List<T, R>): Promise<R[]> {
  return (await readPages(connection, list, [410])) ?? (await readPages(connection, list, [])) ?? []
}

/** Hands each item on as it comes; undefined for a status in `giveUpOn`. */
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
      throw refusal(subject, answer, text)
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
