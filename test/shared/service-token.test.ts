import { describe, expect, it } from 'vitest'
import { serviceToken, tokenOwner } from '../../shared/service-token.ts'

const KEYS = ['a key of more than thirty-two characters', 'an older key of more than 32 characters'] as const
const A = '669a4eee364a1b751c550b02'
const B = '669a4eee364a1b751c550b03'
const token = serviceToken(KEYS, A)
const [, mac = ''] = token.split('.')

describe('a token of a service', () => {
  it('names its service', () => expect(tokenOwner(KEYS, token)).toBe(A))
  it('is the same each time it is made', () => expect(serviceToken(KEYS, A)).toBe(token))
  it('stays good when a newer key comes before its own', () =>
    expect(tokenOwner(['a newer key of more than 32 characters', ...KEYS], token)).toBe(A))

  it.each([
    ['the MAC of another service', `${B}.${mac}`],
    ['a changed MAC', `${A}.${mac.startsWith('A') ? 'B' : 'A'}${mac.slice(1)}`],
    ['a short MAC', `${A}.${mac.slice(1)}`],
    ['no MAC', `${A}.`],
    ['the id alone', A],
    ['an id in capitals', `${A.toUpperCase()}.${mac}`],
    ['a text before it', ` ${token}`],
    ['a line after it', `${token}\n`],
    ['a third part', `${token}.x`],
    ['nothing', ''],
  ])('with %s is nobody’s', (_, text) => expect(tokenOwner(KEYS, text)).toBeUndefined())

  it('of a key that is gone is nobody’s', () => expect(tokenOwner([KEYS[1]], token)).toBeUndefined())
  it('cannot be made without a key', () => expect(() => serviceToken([], A)).toThrow('no key'))
})
