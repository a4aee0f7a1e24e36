/**
 * Tokens of the programs beside a run: claims in plain text, and their HMAC-SHA256. Nothing is stored for them, so a lost
 * Secret can be created again with the same content. The uid is that of the service's resource: a later one of the same name
 * has other tokens. Whether a token may still do something is decided where it is used.
 *
 *     <service id>.<uid>.<replication|fan-in>.<firing|any>.<index>.<retries>.<MAC>
 *
 * Version 0.1 issued `<service id>.<MAC>`, for a service as a whole; these are accepted, and no longer issued.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'

/** What a token is for. */
export interface TokenGrant {
  readonly serviceId: string
  readonly uid: string
  readonly step: 'replication' | 'fan-in'
  /** Null: each firing of the service. */
  readonly firing: number | null
  readonly index: number
  readonly retries: number
}

interface TokenOwner {
  readonly serviceId: string
  /** Null: the service as a whole. */
  readonly grant: TokenGrant | null
}

const TOKEN =
  /^(?<claims>(?<serviceId>[0-9a-f]{24})(?:\.(?<uid>[\w-]{1,64})\.(?<step>replication|fan-in)\.(?<firing>any|\d{1,15})\.(?<index>\d{1,6})\.(?<retries>\d{1,6}))?)\.(?<mac>[\w-]{43})$/
/** A MAC of one kind of claims is none of another kind. */
const PURPOSE = { run: 'dt.run:', service: 'dt.service:' } as const

const macOf = (key: string, purpose: string, claims: string): string =>
  createHmac('sha256', key).update(`${purpose}${claims}`).digest('base64url')

/** The token of a run, signed with the first key. */
export function runToken([key]: readonly string[], grant: TokenGrant): string {
  if (!key) throw new TypeError('no key to make a token with')
  const { serviceId, uid, step, firing, index, retries } = grant
  const claims = [serviceId, uid, step, firing ?? 'any', index, retries].join('.')
  const token = `${claims}.${macOf(key, PURPOSE.run, claims)}`
  if (!TOKEN.test(token)) throw new TypeError('no token can be for such a run')
  return token
}

/** The owner of a token that was signed with one of the keys; undefined for any other text. */
export function tokenOwner(keys: readonly string[], token: string): TokenOwner | undefined {
  const { claims = '', serviceId = '', uid, step, firing, index, retries, mac = '' } = TOKEN.exec(token)?.groups ?? {}
  const purpose = uid === undefined ? PURPOSE.service : PURPOSE.run
  const given = Buffer.from(mac)
  const isOurs = (key: string) => {
    const expected = Buffer.from(macOf(key, purpose, claims))
    return expected.length === given.length && timingSafeEqual(expected, given)
  }
  if (!mac || !keys.some(isOurs)) return undefined
  if (uid === undefined) return { serviceId, grant: null }
  const grant: TokenGrant = {
    serviceId,
    uid,
    step: step === 'fan-in' ? step : 'replication',
    firing: firing === 'any' ? null : Number(firing),
    index: Number(index),
    retries: Number(retries),
  }
  return { serviceId, grant }
}
