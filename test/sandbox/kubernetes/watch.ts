/** A watch: one JSON line per change from a resource version on, until the client goes or the time is over. */
import type { ServerResponse } from 'node:http'
import { expired, statusOf } from './failure.ts'
import { filterOf, presenterOf } from './listing.ts'
import type { Kind, KubeObject } from './objects.ts'
import type { Change, Store } from './store.ts'

export interface WatchRequest {
  readonly kind: Kind
  readonly namespace: string | undefined
  readonly query: URLSearchParams
  readonly accept: string | undefined
}

export function watch(store: Store, { kind, namespace, query, accept }: WatchRequest, response: ServerResponse): void {
  const wanted = filterOf(query)
  const present = presenterOf(accept)
  const since = Number(query.get('resourceVersion') ?? 0)
  const isHere = (object: KubeObject) => namespace === undefined || object.metadata.namespace === namespace
  /** Known to this watcher: an object whose labels stop to fit is deleted for it. */
  const shown = new Set<string>()

  response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
  response.flushHeaders()
  const write = (type: string, object: unknown) => response.write(`${JSON.stringify({ type, object })}\n`)

  function tell({ type, kind: changed, object }: Change): void {
    if (changed !== kind || !isHere(object)) return
    const { uid } = object.metadata
    const known = shown.has(uid)
    if (type !== 'DELETED' && wanted(object)) {
      shown.add(uid)
      write(known || (type === 'MODIFIED' && since > 0) ? 'MODIFIED' : 'ADDED', present.one(object))
    } else if (known || (type === 'DELETED' && wanted(object))) {
      shown.delete(uid)
      write('DELETED', present.one(object))
    }
  }

  const missed = since > 0 ? store.changesSince(since) : []
  if (!missed) {
    write('ERROR', statusOf(expired()))
    response.end()
    return
  }
  if (since === 0) {
    for (const object of store.list(kind, namespace)) tell({ type: 'ADDED', version: 0, kind, object })
  }
  for (const change of missed) tell(change)
  const stop = store.onChange(tell)
  const seconds = Number(query.get('timeoutSeconds') ?? 0)
  const timer = seconds > 0 ? setTimeout(() => response.end(), seconds * 1000) : undefined
  response.on('close', () => {
    stop()
    clearTimeout(timer)
  })
}
