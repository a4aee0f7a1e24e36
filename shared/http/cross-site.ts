/**
 * Pages of other sites, where no token is needed: such a page could use the browser of everyone who reaches the gateway to do
 * what its user may do. A browser sends the page's origin with every request that changes something, and no script can change
 * it. So the origin must be one that the site lists; other clients send none. This also stops DNS rebinding, since the origin
 * then is the attacker's name. Reading is stopped by CORS, but not with DNS rebinding, unless the proxy in front of the
 * gateway serves its own host names only.
 */
import type { IncomingMessage } from 'node:http'
import { Fault } from '../platform/fault.ts'
import type { Route } from '../routes/index.ts'

const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']
/** Values of `Sec-Fetch-Site`, for browsers that send no `Origin`. */
const FOREIGN_SITES = ['cross-site', 'same-site']

/** @throws Fault `forbidden` for a request of a page that may not call */
export function assertKnownSite(
  { method = '', headers }: IncomingMessage,
  allowed: readonly string[],
  { cors, openBy }: Pick<Route, 'cors' | 'openBy'>,
): void {
  if (SAFE_METHODS.includes(method)) return
  const { origin, 'sec-fetch-site': site } = headers
  const isForeign = origin === undefined ? FOREIGN_SITES.includes(String(site)) : !allowed.includes(origin)
  if (!isForeign) return
  throw new Fault(
    'forbidden',
    `Pages of this origin may not change anything here: ${cors} names those that may, or ${openBy}=keycloak asks for a token`,
  )
}
