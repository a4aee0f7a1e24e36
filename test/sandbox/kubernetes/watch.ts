/** A watch: one JSON line per change since a resource version, until the client disconnects or the time limit. */
import type { ServerResponse } from 'node:http'
import { expired, statusOf } from './failure.ts'
import { filterOf, presenterOf } from './listing.ts'
import { apiVersionOf, type Kind, resourceOf } from './objects.ts'
import type { Change, Store } from './store.ts'

export interface WatchRequest {
  readonly kind: Kind
  readonly namespace: string | undefined
  readonly query: URLSearchParams
  readonly accept: string | undefined
}

export function watch(store: Store, request: WatchRequest, response: ServerResponse): void {
  const { kind, namespace, query } = request
  const since = Number(query.get('resourceVersion') ?? 0)
  const write = (type: string, object: unknown) => response.write(`${JSON.stringify({ type, object })}\n`)
  const tell = createTeller(request, write)

  response.writeHead(200, { 'content-type': 'application/json', 'transfer-encoding': 'chunked' })
  response.flushHeaders()
  const fromStart = since === 0 || query.get('sendInitialEvents') === 'true'
  const missed = fromStart ? presentState(store, kind, namespace) : store.changesSince(since)
  if (!missed) {
    write('ERROR', statusOf(expired()))
    response.end()
    return
  }
  for (const change of missed) tell(change)
  if (query.get('sendInitialEvents') === 'true') write('BOOKMARK', endOfStart(kind, store.version()))
  const stop = store.onChange(tell)
  const seconds = Number(query.get('timeoutSeconds') ?? 0)
  const timer = seconds > 0 ? setTimeout(() => response.end(), seconds * 1000) : undefined
  response.on('close', () => {
    stop()
    clearTimeout(timer)
  })
}

/** Tells a client that it has seen everything there was. */
const endOfStart = (kind: Kind, version: number) => ({
  kind: kind.kind,
  apiVersion: apiVersionOf(kind),
  metadata: { resourceVersion: String(version), annotations: { 'k8s.io/initial-events-end': 'true' } },
})

/** A watch that names no version begins with everything there is. */
const presentState = (store: Store, kind: Kind, namespace: string | undefined): Change[] =>
  store.list(kind, namespace).map((object) => ({ type: 'ADDED', version: 0, kind, object, before: undefined }))

/** To a watcher, an object whose labels cease to fit is deleted, and one whose labels begin to fit is added. */
function createTeller(
  { kind, namespace, query, accept }: WatchRequest,
  write: (type: string, object: unknown) => void,
): (change: Change) => void {
  const fits = filterOf(query)
  const present = presenterOf(accept)
  const resource = resourceOf(kind)
  return ({ type, kind: changed, object, before }) => {
    if (resourceOf(changed) !== resource || (namespace !== undefined && object.metadata.namespace !== namespace)) return
    const verdict = VERDICTS[`${before !== undefined && fits(before)} ${type !== 'DELETED' && fits(object)}`]
    if (verdict) write(verdict, present.one(object))
  }
}

/** By whether it fitted before, and does now. */
const VERDICTS: Readonly<Record<string, Change['type']>> = {
  'false true': 'ADDED',
  'true true': 'MODIFIED',
  'true false': 'DELETED',
}
