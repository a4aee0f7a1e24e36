/**
 * Which registry a request names, and whose login its images are pulled with. The site's login is for the site's registry
 * and is never combined with a host that a caller chose.
 */
import { Fault } from '../platform/fault.ts'
import { parseRegistry, REGISTRY_PATTERN } from '../platform/registry.ts'
import type { RegistryLogin } from './model.ts'

export { REGISTRY_PATTERN }

/**
 * Host and port of a caller's `registry_url`.
 * @throws Fault `invalid`; its text never holds the value, which may have a password in it
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

/** For a row that another service wrote: what names no registry is left out, and so is a login. */
export const recordedHost = (url: string): string => parseRegistry(url)?.host ?? ''

const isPair = ({ user, password }: RegistryLogin): boolean => user !== '' && password !== ''

interface SiteRegistry extends RegistryLogin {
  readonly url: string
}

/**
 * The login that was asked for, if it is a pair; else the site's, if it is a pair and `host` is the site's registry; else
 * null, and the image is pulled without a login. Halves of two logins are never joined.
 */
export function loginFor(host: string, asked: RegistryLogin, site: SiteRegistry): RegistryLogin | null {
  if (isPair(asked)) return asked
  const isSite = host !== '' && host === parseRegistry(site.url)?.host
  return isSite && isPair(site) ? { user: site.user, password: site.password } : null
}
