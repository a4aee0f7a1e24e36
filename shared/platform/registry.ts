/** Which registry a text names. Pure: read by the settings and by the use cases. */

interface RegistryAddress {
  /** `host[:port]` in lower case, as pull secrets name a registry; empty when only a login was recognized. */
  readonly host: string
  /** The text contains a login, too. */
  readonly hasLogin: boolean
}

const PORT = '(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])'
const HOST = new RegExp(`^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\\[[0-9a-f:.]+\\])(?::${PORT})?$`)
const isHost = (text: string): boolean => HOST.test(text)

/** Matches texts in which `parseRegistry` finds a host and no login, and the empty text; for descriptions. */
export const REGISTRY_PATTERN =
  '^(?:\\s*(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:.]+\\])' +
  `(?::${PORT})?(?:/[^@\\u0000]*)?\\s*)?$`

/**
 * The registry of a URL, or of an address with or without a path; undefined when the text names none. A password may
 * contain a slash, so a text with an `@` anywhere has a login.
 */
export function parseRegistry(text: string): RegistryAddress | undefined {
  const address = text
    .trim()
    .replace(/^[a-z][a-z0-9+.-]*:\/\//i, '')
    .toLowerCase()
  const hasLogin = address.includes('@')
  const host = address.slice(address.lastIndexOf('@') + 1).replace(/\/.*$/s, '')
  if (isHost(host)) return { host, hasLogin }
  return hasLogin ? { host: '', hasLogin } : undefined
}
