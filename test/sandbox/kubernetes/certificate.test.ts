import { X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import { expect, test } from 'vitest'
import { createServerIdentity } from './certificate.ts'

// Signatures differ in length, so one certificate proves little.
test('every certificate can be used and speaks for the loopback address', () => {
  for (let count = 0; count < 100; count += 1) {
    const { cert, key } = createServerIdentity()
    expect(() => createSecureContext({ cert, key, ca: cert })).not.toThrow()
    expect(new X509Certificate(cert).checkIP('127.0.0.1')).toBe('127.0.0.1')
  }
})
