/**
 * Paths as nginx reads them: decoded once, double slashes merged, dot segments resolved, and escaped again on the way
 * out. Strings hold one byte per character, so that no path is too odd to pass.
 */

const hex = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`

/** The path that locations are matched with; undefined when it is malformed or leads above the root. */
export function normalisePath(raw: string): string | undefined {
  if (!raw.startsWith('/') || /%(?![0-9a-f]{2})/i.test(raw)) return undefined
  const decoded = raw.replace(/%([0-9a-f]{2})/gi, (_escape, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  )
  if (decoded.includes('\0')) return undefined
  const kept: string[] = []
  const segments = decoded.split('/').filter((segment, index, all) => segment !== '' || index === all.length - 1)
  for (const segment of segments) {
    if (segment === '..' && kept.pop() === undefined) return undefined
    if (segment !== '..' && segment !== '.') kept.push(segment)
  }
  const last = segments.at(-1)
  if (last === '.' || last === '..') kept.push('')
  return `/${kept.join('/')}`
}

/** The path to send. */
export const escapePath = (path: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must be escaped
  path.replace(/[\x00-\x20"#%?<>\\^`{|}\x7f-\xff]/g, (character) => hex(character.charCodeAt(0)))
