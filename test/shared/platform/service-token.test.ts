import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { runToken, type TokenGrant, tokenOwner } from '../../../shared/platform/service-token.ts'

const KEYS = ['a key of more than thirty-two characters', 'an older key of more than 32 characters'] as const
const A = '669a4eee364a1b751c550b02'
const B = '669a4eee364a1b751c550b03'
const UID = '0b8c1c0e-2a4f-4d1e-9c55-0d2f6a1b7e3d'
const GRANT: TokenGrant = { serviceId: A, uid: UID, step: 'replication', firing: 3, index: 12, retries: 2 }
const token = runToken(KEYS, GRANT)
const parts = token.split('.')
const mac = parts.at(-1) ?? ''
const withPart = (at: number, text: string) => parts.with(at, text).join('.')

/** As the version before made them. */
const former = (key: string, id: string) =>
  `${id}.${createHmac('sha256', key).update(`dt.service:${id}`).digest('base64url')}`

describe('a token of a run', () => {
  test.each([
    GRANT,
    { ...GRANT, firing: null },
    { ...GRANT, step: 'fan-in' as const, index: 100 },
    { ...GRANT, firing: 29_400_000, index: 0, retries: 0 },
  ])('says what it is for: %j', (grant) =>
    expect(tokenOwner(KEYS, runToken(KEYS, grant))).toEqual({ serviceId: A, grant }),
  )
  test('is the same each time it is made', () => expect(runToken(KEYS, GRANT)).toBe(token))
  test('stays good when a newer key comes before its own', () =>
    expect(tokenOwner(['a newer key of more than 32 characters', ...KEYS], token)?.grant).toEqual(GRANT))

  test.each([
    ['of another service', withPart(0, B)],
    ['of a resource of the same name', withPart(1, '0b8c1c0e-2a4f-4d1e-9c55-0d2f6a1b7e3e')],
    ['of another step', withPart(2, 'fan-in')],
    ['of another firing', withPart(3, '4')],
    ['of any firing', withPart(3, 'any')],
    ['of another index', withPart(4, '13')],
    ['of more attempts', withPart(5, '99')],
    ['with a changed MAC', withPart(6, `${mac.startsWith('A') ? 'B' : 'A'}${mac.slice(1)}`)],
    ['with a short MAC', withPart(6, mac.slice(1))],
    ['without a MAC', parts.slice(0, -1).join('.')],
    ['of the service as a whole, with the MAC of a run', `${A}.${mac}`],
    ['with an id in capitals', withPart(0, A.toUpperCase())],
    ['with a text before it', ` ${token}`],
    ['with a line after it', `${token}\n`],
    ['with a part more', `${token}.x`],
    ['that is empty', ''],
  ])('%s is refused', (_, text) => expect(tokenOwner(KEYS, text)).toBeUndefined())

  test('of a key that is gone is refused', () => expect(tokenOwner([KEYS[1]], token)).toBeUndefined())
  test('cannot be made without a key', () => expect(() => runToken([], GRANT)).toThrow('no key'))
  test.each([{ uid: '' }, { uid: 'a.b' }, { index: -1 }, { firing: 1.5 }, { serviceId: 'x' }])(
    'cannot be made for %j',
    (fields) => expect(() => runToken(KEYS, { ...GRANT, ...fields })).toThrow('no token'),
  )
})

describe('a token of the version before', () => {
  test('names its service and no run', () =>
    expect(tokenOwner(KEYS, former(KEYS[1], A))).toEqual({ serviceId: A, grant: null }))
  test('of another service is refused', () =>
    expect(tokenOwner(KEYS, former(KEYS[0], A).replace(A, B))).toBeUndefined())
})
