/**
 * Tokens of digital-twin services: `<service id>.<HMAC-SHA256 of it>`. Nothing is stored for them, so a Secret that was
 * lost can be made again as it was, and the key alone decides; what a token may do ends with its service.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

const TOKEN = /^(?<serviceId>[0-9a-f]{24})\.(?<mac>[\w-]{43})$/
/** Nobody gets a MAC of an id alone for some other purpose. */
const PURPOSE = 'dt.service:'

const macOf = (key: string, serviceId: string): string =>
  createHmac('sha256', key).update(`${PURPOSE}${serviceId}`).digest('base64url')

/** The token of a service, by the first key. */
export function serviceToken([key]: readonly string[], serviceId: string): string {
  if (!key) throw new TypeError('no key to make a token with')
  return `${serviceId}.${macOf(key, serviceId)}`
}

/** The service that a token was made for with one of the keys; undefined for any other text. */
export function tokenOwner(keys: readonly string[], token: string): string | undefined {
  const { serviceId = '', mac = '' } = TOKEN.exec(token)?.groups ?? {}
  const given = Buffer.from(mac)
  const isOurs = (key: string) => {
    const expected = Buffer.from(macOf(key, serviceId))
    return expected.length === given.length && timingSafeEqual(expected, given)
  }
  return mac && keys.some(isOurs) ? serviceId : undefined
}
