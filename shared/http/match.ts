/**
 * Path templates of the route table: `{name}` is one segment, `{name+}` one or more. The prefix of a route and a trailing
 * slash are optional in a path.
 */
import type { Endpoint } from '../routes/index.ts'

export interface Match {
  /** Position in the route's list of endpoints. */
  readonly index: number
  readonly params: Readonly<Record<string, string>>
}

export interface Matches {
  readonly match: Match | undefined
  /** Methods that the path answers; none for an unknown path. */
  readonly methods: readonly string[]
}

const withoutSlash = (path: string): string => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path)

/** A segment with broken escapes stays as it is: schemas refuse its per cent sign. */
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

/** Finds the endpoint of a method and a path, which has no query and may begin with `prefix`. */
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
