/** What a request path names. */
import type { Kinds } from './kinds.ts'
import type { Kind } from './objects.ts'

export interface Target {
  readonly kind: Kind
  readonly namespace: string | undefined
  readonly name: string | undefined
  /** Such as `log` or `status`. */
  readonly subresource: string | undefined
  /** What follows the subresource, with its first slash (`proxy`). */
  readonly rest: string
}

const PATH =
  /^\/(?:api|apis\/([^/]+))\/(v[0-9a-z]+)(?:\/namespaces\/([^/]+)(?=\/[^/]+))?\/([^/]+)(?:\/([^/]+)(?:\/([^/]+)(\/.*)?)?)?$/
const NAMESPACE_SUB = new Set(['status', 'finalize'])

export function parseTarget(kinds: Kinds, path: string): Target | undefined {
  const match = PATH.exec(path)
  if (!match) return undefined
  const [, group = '', version, namespace, plural, name, subresource, rest = ''] = match.map(
    (part) => part && decodePart(part),
  )
  // `/namespaces/x/status` is the namespace's own, not a collection in it.
  if (namespace !== undefined && plural !== undefined && NAMESPACE_SUB.has(plural) && name === undefined) {
    return target(kinds, { group: '', version, plural: 'namespaces' }, undefined, namespace, plural, '')
  }
  return target(kinds, { group, version, plural }, namespace, name, subresource, rest)
}

interface Resource {
  readonly group: string
  readonly version: string | undefined
  readonly plural: string | undefined
}

function target(
  kinds: Kinds,
  { group, version, plural }: Resource,
  namespace: string | undefined,
  name: string | undefined,
  subresource: string | undefined,
  rest: string,
): Target | undefined {
  const kind = kinds.all().find((one) => one.group === group && one.version === version && one.plural === plural)
  if (!kind || (kind.namespaced ? namespace === undefined && name !== undefined : namespace !== undefined))
    return undefined
  if (subresource !== undefined && !kind.subresources.includes(subresource)) return undefined
  return { kind, namespace, name, subresource, rest }
}

/** The rest of a proxy path stays as it came. */
const decodePart = (part: string): string => {
  if (part.startsWith('/')) return part
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
