import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, exportJWK } from 'jose'
import { afterAll, describe, expect, test } from 'vitest'
import { createSign, SIGNATURE_TYPE, verifyArchive } from '../../../shared/adapters/signing.ts'
import { ConfigFault } from '../../../shared/settings/config.ts'

const dir = mkdtempSync(join(tmpdir(), 'signing-'))
afterAll(() => rmSync(dir, { recursive: true }))

const PASSPHRASE = 'passphrase-4711'
const DOCUMENT = '{"analysisId":"4f0e6a52-8a3e-4d0e-9a55-2f6a0c1d7e11","text":"Grüße, 😀"}'

interface Pair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}
const ec = (namedCurve: string): Pair => generateKeyPairSync('ec', { namedCurve })
const RSA: Pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
const P256 = ec('P-256')
const ED25519: Pair = generateKeyPairSync('ed25519')

const encrypted = { cipher: 'aes-256-cbc', passphrase: PASSPHRASE } as const
const pem = (key: KeyObject, type: 'pkcs8' | 'pkcs1' | 'sec1', secret?: typeof encrypted): string =>
  key.export({ format: 'pem', type, ...secret }) as string
const publicPem = ({ publicKey }: Pair): string => publicKey.export({ format: 'pem', type: 'spki' }) as string

let files = 0
const write = (content: string | Buffer): string => {
  files += 1
  const path = join(dir, `${files}.pem`)
  writeFileSync(path, content)
  return path
}

const GOOD: readonly (readonly [string, Pair, string, string, string])[] = [
  ['RSA, PKCS#8', RSA, pem(RSA.privateKey, 'pkcs8'), '', 'RS256'],
  ['RSA, PKCS#8, encrypted', RSA, pem(RSA.privateKey, 'pkcs8', encrypted), PASSPHRASE, 'RS256'],
  ['RSA, PKCS#1', RSA, pem(RSA.privateKey, 'pkcs1'), '', 'RS256'],
  ['RSA, PKCS#1, encrypted', RSA, pem(RSA.privateKey, 'pkcs1', encrypted), PASSPHRASE, 'RS256'],
  ['P-256, PKCS#8', P256, pem(P256.privateKey, 'pkcs8'), '', 'ES256'],
  ['P-256, SEC1', P256, pem(P256.privateKey, 'sec1'), '', 'ES256'],
  ['P-256, SEC1, encrypted', P256, pem(P256.privateKey, 'sec1', encrypted), PASSPHRASE, 'ES256'],
  ['Ed25519', ED25519, pem(ED25519.privateKey, 'pkcs8'), '', 'EdDSA'],
  ['Ed25519, encrypted', ED25519, pem(ED25519.privateKey, 'pkcs8', encrypted), PASSPHRASE, 'EdDSA'],
  ['a plain key with a passphrase that it does not need', P256, pem(P256.privateKey, 'pkcs8'), PASSPHRASE, 'ES256'],
  ...['P-384', 'P-521'].map((curve) => {
    const pair = ec(curve)
    return [curve, pair, pem(pair.privateKey, 'pkcs8'), '', curve === 'P-384' ? 'ES384' : 'ES512'] as const
  }),
]

test.each(GOOD)('%s: signs, any JOSE library verifies, and the key is named', async (_, pair, key, passphrase, alg) => {
  const sign = await createSign({ keyFile: write(key), passphrase })
  const jws = (await sign(DOCUMENT)) ?? ''
  expect(decodeProtectedHeader(jws)).toEqual({
    alg,
    typ: SIGNATURE_TYPE,
    kid: await calculateJwkThumbprint(await exportJWK(pair.publicKey)),
  })
  expect(Buffer.from((await compactVerify(jws, pair.publicKey)).payload).toString()).toBe(DOCUMENT)
  expect(await verifyArchive(DOCUMENT, jws, publicPem(pair))).toEqual({ ok: true })
})

test('without a key file nothing is signed', async () => {
  const sign = await createSign({ keyFile: '', passphrase: PASSPHRASE })
  expect(await sign(DOCUMENT)).toBeNull()
})

test.each<readonly [string, string, string, string]>([
  ['a file that is not there', join(dir, 'none.pem'), '', 'NODE_KEY: expected the path of a readable file'],
  ['a folder', dir, '', 'NODE_KEY: expected the path of a readable file'],
  ['an empty file', write(''), '', 'NODE_KEY: expected a PEM file with a private key'],
  ['a text', write('hello'), '', 'NODE_KEY: expected a PEM file with a private key'],
  ['random bytes', write(Buffer.from([0, 255, 1, 254])), '', 'NODE_KEY: expected a PEM file with a private key'],
  ['a public key', write(publicPem(P256)), '', 'NODE_KEY: expected a PEM file with a private key'],
  [
    'a key cut short',
    write(pem(P256.privateKey, 'pkcs8').slice(0, 80)),
    '',
    'NODE_KEY: expected a PEM file with a private key',
  ],
  [
    'a wrong passphrase',
    write(pem(P256.privateKey, 'pkcs8', encrypted)),
    'wrong-0815',
    'NODE_KEY_PW: is not the passphrase of NODE_KEY, or the key is damaged',
  ],
  [
    'a wrong passphrase of an old format',
    write(pem(RSA.privateKey, 'pkcs1', encrypted)),
    'wrong-0815',
    'NODE_KEY_PW: is not the passphrase of NODE_KEY, or the key is damaged',
  ],
  [
    'no passphrase for an encrypted key',
    write(pem(P256.privateKey, 'pkcs8', encrypted)),
    '',
    'NODE_KEY_PW: expected the passphrase of NODE_KEY',
  ],
  ...[
    ['an RSA key of 1024 bits', generateKeyPairSync('rsa', { modulusLength: 1024 }) as Pair] as const,
    ['an RSA-PSS key', generateKeyPairSync('rsa-pss', { modulusLength: 2048 }) as Pair] as const,
    ['a key on secp256k1', ec('secp256k1')] as const,
    ['an X25519 key', generateKeyPairSync('x25519') as Pair] as const,
    ['an Ed448 key', generateKeyPairSync('ed448') as Pair] as const,
  ].map(
    ([what, { privateKey }]) =>
      [
        what,
        write(pem(privateKey, 'pkcs8')),
        '',
        'NODE_KEY: expected an RSA key of at least 2048 bits, an EC key on P-256, P-384 or P-521, or an Ed25519 key',
      ] as const,
  ),
])('%s is told at start, by name', async (_, keyFile, passphrase, message) => {
  const fault = await createSign({ keyFile, passphrase }).catch((error: unknown) => error)
  expect(fault).toBeInstanceOf(ConfigFault)
  expect((fault as ConfigFault).faults).toEqual([message])
  expect(String(fault)).not.toContain(keyFile)
  if (passphrase !== '') expect(String(fault)).not.toContain(passphrase)
})

describe('verification', async () => {
  const sign = await createSign({ keyFile: write(pem(P256.privateKey, 'pkcs8')), passphrase: '' })
  const jws = (await sign(DOCUMENT)) ?? ''
  const [header = '', payload = '', signature = ''] = jws.split('.')
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const typed = encode({ ...decodeProtectedHeader(jws), typ: 'JWT' })
  const noAlg = encode({ ...decodeProtectedHeader(jws), alg: 'none' })
  const hmac = encode({ ...decodeProtectedHeader(jws), alg: 'HS256' })
  const key = publicPem(P256)

  test.each([
    ['another document', `${DOCUMENT} `, jws, key, 'the document is not the one that was signed'],
    ['another payload', DOCUMENT, [header, encode({}), signature].join('.'), key, 'the signature does not fit'],
    ['another header', DOCUMENT, [typed, payload, signature].join('.'), key, 'the signature does not fit'],
    [
      'another signature',
      DOCUMENT,
      [header, payload, `A${signature.slice(1)}`].join('.'),
      key,
      'the signature does not fit',
    ],
    ['alg none', DOCUMENT, [noAlg, payload, ''].join('.'), key, 'the signature is malformed'],
    ['alg HS256', DOCUMENT, [hmac, payload, signature].join('.'), key, 'the signature is malformed'],
    ['no JWS', DOCUMENT, 'hello', key, 'the signature is malformed'],
    ['an empty one', DOCUMENT, '', key, 'the signature is malformed'],
    ['the key of another node', DOCUMENT, jws, publicPem(ec('P-256')), 'signed with another key'],
    ['a key of another kind', DOCUMENT, jws, publicPem(RSA), 'signed with another key'],
  ])('%s is not good', async (_, document, signed, publicKey, reason) => {
    expect(await verifyArchive(document, signed, publicKey)).toEqual({ ok: false, reason })
  })

  test.each([
    ['a private key', pem(P256.privateKey, 'pkcs8')],
    ['a private key beside the public one', publicPem(P256) + pem(P256.privateKey, 'pkcs8')],
    ['no key', 'hello'],
    ['a key of an unsupported kind', publicPem(ec('secp256k1'))],
  ])('%s is not taken to verify', async (_, publicKey) => {
    const verdict = await verifyArchive(DOCUMENT, jws, publicKey)
    expect(verdict).toMatchObject({ ok: false, reason: expect.stringMatching(/^the key is no public key/) })
  })
})
