/**
 * Path templates of the route table: `{name}` is one segment, `{name+}` at least one, a trailing slash makes no difference,
 * nor does the prefix that a part of the table answers with.
 */
import type { Endpoint } from '../routes/index.ts'

export interface Match {
  /** Position in the route's list of endpoints. */
  readonly index: number
  readonly params: Readonly<Record<string, string>>
}

export interface Matches {
  readonly match: Match | undefined
  /** Methods that the path answers: empty when nothing lies there. */
  readonly methods: readonly string[]
}

const withoutSlash = (path: string): string => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path)

/** A segment whose escapes are broken stays as it is: no schema of ours takes a per cent sign. */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

const literally = (text: string): string => text.replace(/[.*+?^$()|[\]\\]/g, '\\$&')

function toPattern(template: string, prefix: string): RegExp {
  const source = literally(withoutSlash(template))
    .replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')
    .replace(/\{(\w+)\\\+\}/g, '(?<$1>.+)')
  return new RegExp(`^(?:${literally(prefix)})?${source}$`)
}

/** @returns what a method and a path (without query), behind `prefix` or not, hit among these endpoints */
export function createMatcher(endpoints: readonly Endpoint[], prefix = ''): (method: string, path: string) => Matches {
  const patterns = endpoints.map(({ path }) => toPattern(path, prefix))
  return (method, path) => {
    const methods = new Set<string>()
    let match: Match | undefined
    for (const [index, endpoint] of endpoints.entries()) {
      const groups = patterns[index]?.exec(withoutSlash(path))
      if (!groups) continue
      methods.add(endpoint.method)
      if (endpoint.method !== method || match) continue
      const params = Object.entries(groups.groups ?? {}).map(([name, value]) => [name, decode(value)])
      match = { index, params: Object.fromEntries(params) }
    }
    return { match, methods: [...methods] }
  }
}
