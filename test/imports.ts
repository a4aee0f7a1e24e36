/**
 * Reads the imports of a source as Biome formats it: statements begin a line, specifiers stand in quotes. That is all the
 * syntax there is to know, so no parser is needed; `architecture.test.ts` proves it on planted sources.
 */
import { posix } from 'node:path'

export interface Import {
  /** A path from the root of the repository, `node:…`, or the name of a package. */
  readonly target: string
  readonly isPackage: boolean
  /** `type` is gone when the program runs, `lazy` is loaded when it gets there. */
  readonly kind: 'value' | 'type' | 'lazy'
  readonly reexport: boolean
  readonly line: number
}

const STATIC =
  /^(?<keyword>import|export)\b(?<clause>(?:\s+type\b)?[^'"`;=()]*?)\bfrom\s+['"](?<specifier>[^'"]+)['"]/gm
const BARE = /^import\s+['"](?<specifier>[^'"]+)['"]/gm
const DYNAMIC = /(?<![\w.])import\(\s*['"`](?<specifier>[^'"`$]+)/g

/** The same text with comments blanked, line numbers kept. Text in quotes stays. */
export const withoutComments = (source: string): string =>
  source.replace(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|\/\*[\s\S]*?\*\/|(?<=^|[\s;{}(,])\/\/[^\n]*/g, (match) =>
    match.startsWith('/') ? match.replace(/[^\n]/g, ' ') : match,
  )

const packageName = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

function resolve(from: string, specifier: string): Pick<Import, 'target' | 'isPackage'> {
  if (specifier.startsWith('.')) return { target: posix.join(posix.dirname(from), specifier), isPackage: false }
  if (specifier.startsWith('node:')) return { target: specifier, isPackage: false }
  return { target: packageName(specifier), isPackage: true }
}

export function importsOf(path: string, source: string): Import[] {
  const code = withoutComments(source)
  return [STATIC, BARE, DYNAMIC].flatMap((pattern) =>
    [...code.matchAll(pattern)].map(({ index, groups = {} }) => ({
      ...resolve(path, groups['specifier'] ?? ''),
      kind: pattern === DYNAMIC ? 'lazy' : /^\s+type\b/.test(groups['clause'] ?? '') ? 'type' : 'value',
      reexport: groups['keyword'] === 'export',
      line: code.slice(0, index).split('\n').length,
    })),
  )
}
