/** All pages of a list. */
import { callJson, type Subject } from './api.ts'
import type { Connection } from './connection.ts'

interface Page<T> {
  readonly metadata?: { readonly continue?: string }
  /** The API writes null for no item at all. */
  readonly items: readonly T[] | null
}

/**
 * A continuation that expired between two pages (410) begins the list again, once: pages of different moments are no
 * list, and a second expiry means that we are too slow for this server.
 */
export async function listAll<T>(
  connection: Connection,
  subject: Subject,
  path: string,
  selector: string,
  accept = 'application/json',
): Promise<T[]> {
  return (
    (await readPages<T>(connection, subject, path, selector, accept, [410])) ??
    (await readPages<T>(connection, subject, path, selector, accept, [])) ??
    []
  )
}

async function readPages<T>(
  connection: Connection,
  subject: Subject,
  path: string,
  selector: string,
  accept: string,
  giveUpOn: readonly number[],
): Promise<T[] | undefined> {
  const items: T[] = []
  let next: string | undefined
  do {
    const query = new URLSearchParams({ limit: String(connection.pageSize) })
    if (selector) query.set('labelSelector', selector)
    if (next) query.set('continue', next)
    const request = { method: 'GET', path: `${path}?${query}`, headers: { accept } } as const
    const page: Page<T> | undefined = await callJson<Page<T>>(connection, subject, request, ...giveUpOn)
    if (!page) return undefined
    items.push(...(page.items ?? []))
    next = page.metadata?.continue
  } while (next)
  return items
}
