/**
 * The registry that a request names, and the login for its images. The node's login is used only for the node's registry,
 * never for a host that a caller chose.
 */
import { Fault } from '../platform/fault.ts'
import { parseRegistry } from '../platform/registry.ts'
import type { RegistryLogin } from './model.ts'

/**
 * Host and port of a caller's `registry_url`.
 * @throws Fault `invalid`; its text never contains the value, which may include a password
 */
export function registryHost(url: string): string {
  const address = parseRegistry(url)
  if (!address) {
    throw new Fault(
      'invalid',
      'registry_url should name a registry, such as harbor.example or https://harbor.example:8443',
    )
  }
  if (address.hasLogin) {
    throw new Fault('invalid', 'registry_url holds a login: it belongs into registry_user and registry_password')
  }
  return address.host
}

/** Host and port from a row of another service; empty if it names no registry. A login in it is dropped. */
export const recordedHost = (url: string): string => parseRegistry(url)?.host ?? ''

const isPair = ({ user, password }: RegistryLogin): boolean => user !== '' && password !== ''

interface SiteRegistry extends RegistryLogin {
  readonly url: string
}

/**
 * The requested login if it is complete. Otherwise the node's, if that is complete and `host` is the node's registry. Otherwise
 * null: pull without a login. User and password of two logins are never combined.
 */
export function loginFor(host: string, asked: RegistryLogin, site: SiteRegistry): RegistryLogin | null {
  if (isPair(asked)) return asked
  const isSite = host !== '' && host === parseRegistry(site.url)?.host
  return isSite && isPair(site) ? { user: site.user, password: site.password } : null
}
