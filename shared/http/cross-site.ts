/**
 * Pages of other sites, where no token is asked for: the browser of anybody who reaches the gateway would do for such a page
 * what its user may. A browser names the page's origin with every request that changes something, and no script can change
 * that, so it must be one that the site has listed; other clients name none. This holds against DNS rebinding as well, since
 * the origin then is the attacker's name and not ours. What is only read is kept from other sites by CORS; with DNS rebinding
 * it is not, unless the proxy in front of the gateway serves its own host names alone.
 */
import type { IncomingMessage } from 'node:http'
import { Fault } from '../platform/fault.ts'

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']
/** Said by browsers that send no `Origin`. */
const FOREIGN_SITES = ['cross-site', 'same-site']

/** @throws Fault `forbidden` for a request of a page that may not call */
export function assertKnownSite({ method = '', headers }: IncomingMessage, allowed: readonly string[]): void {
  if (SAFE_METHODS.includes(method)) return
  const { origin, 'sec-fetch-site': site } = headers
  const isForeign = origin === undefined ? FOREIGN_SITES.includes(String(site)) : !allowed.includes(origin)
  if (!isForeign) return
  throw new Fault(
    'forbidden',
    'Pages of this origin may not change anything here: DT_CORS_ORIGINS names those that may, or DT_AUTH=keycloak asks for a token',
  )
}
