/** Lists: selectors, pages that stay at one moment, and metadata only where the client asks for it. */
import { badRequest, expired } from './failure.ts'
import { apiVersionOf, type Kind, type KubeObject } from './objects.ts'
import { parseFieldSelector, parseLabelSelector } from './selectors.ts'
import type { Store } from './store.ts'

/** The rest of a list of which a page was given out. */
interface Rest {
  readonly items: readonly KubeObject[]
  readonly version: string
}

const MAX_CONTINUES = 256

export function createListing(store: Store) {
  const rests = new Map<string, Rest>()
  let serial = 0

  function remember(rest: Rest): string {
    const token = Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: rest.version, page: ++serial })).toString(
      'base64url',
    )
    rests.set(token, rest)
    const oldest = rests.keys().next().value
    if (rests.size > MAX_CONTINUES && oldest !== undefined) rests.delete(oldest)
    return token
  }

  function restOf(kind: Kind, namespace: string | undefined, query: URLSearchParams): Rest {
    const token = query.get('continue')
    if (!token) {
      return { items: store.list(kind, namespace).filter(filterOf(query)), version: String(store.version()) }
    }
    const rest = rests.get(token)
    if (!rest) throw expired()
    return rest
  }

  return (kind: Kind, namespace: string | undefined, query: URLSearchParams) => {
    const { items, version } = restOf(kind, namespace, query)
    const limit = limitOf(query)
    const page = items.slice(0, limit)
    const left = items.length - page.length
    const next = left > 0 ? remember({ items: items.slice(limit), version }) : undefined
    return {
      kind: `${kind.kind}List`,
      apiVersion: apiVersionOf(kind),
      metadata: { resourceVersion: version, ...(next ? { continue: next, remainingItemCount: left } : {}) },
      items: page,
    }
  }
}

/** 0, or none, is no limit. */
function limitOf(query: URLSearchParams): number {
  const limit = Number(query.get('limit') ?? 0)
  if (!Number.isInteger(limit) || limit < 0) throw badRequest('limit must be a whole number')
  return limit || Number.POSITIVE_INFINITY
}

export function filterOf(query: URLSearchParams): (object: KubeObject) => boolean {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '')
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '')
  return (object) => labels(object.metadata.labels ?? {}) && fields(object)
}

const PARTIAL = { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata' }

/** How a client wants objects, by its Accept header. Tables are not made: clients fall back to JSON. */
export function presenterOf(accept: string | undefined) {
  const partial = accept?.split(',')[0]?.includes('as=PartialObjectMetadata') ?? false
  const one = (object: KubeObject) => (partial ? { ...PARTIAL, metadata: object.metadata } : object)
  return {
    one,
    list(list: ReturnType<ReturnType<typeof createListing>>) {
      if (!partial) return list
      // The real one writes null for an empty list of metadata, and only there.
      const items = list.items.length > 0 ? list.items.map(one) : null
      return { ...list, kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1', items }
    },
  }
}
