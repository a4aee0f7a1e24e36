/** Which registry a text names. Pure: read by the settings and by the use cases. */

export interface RegistryAddress {
  /** `host[:port]` in lower case, as pull secrets name a registry; empty when only a login was recognized. */
  readonly host: string
  /** The text holds a login, too. */
  readonly hasLogin: boolean
}

const HOST = /^(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::(?<port>[0-9]{1,5}))?$/

function isHost(text: string): boolean {
  const match = HOST.exec(text)
  const port = match?.groups?.['port']
  return match !== null && (port === undefined || (Number(port) >= 1 && Number(port) <= 65_535))
}

/**
 * The registry of a URL, or of an address with or without a path; undefined when the text names none. A password may hold a
 * slash, so that an `@` anywhere makes the text one with a login.
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
