/**
 * Signs archive entries with the node's key, and verifies such signatures: a compact JWS whose payload is the document and
 * whose `kid` is the key's JWK thumbprint (RFC 7638).
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { CompactSign, calculateJwkThumbprint, compactVerify, decodeProtectedHeader, errors, exportJWK } from 'jose'
import type { Sign } from '../po/ports/archive.ts'
import { ConfigFault } from '../settings/config.ts'

export interface SignOptions {
  /** PEM file of the private key; empty: sign nothing. */
  readonly keyFile: string
  readonly passphrase: string
  readonly read?: (path: string) => Buffer
}

export const SIGNATURE_TYPE = 'flame-archive-entry+jws'

const ALGORITHM_OF_CURVE: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
}
const SMALLEST_RSA = 2048
const KEY_TYPES = 'an RSA key of at least 2048 bits, an EC key on P-256, P-384 or P-521, or an Ed25519 key'

/**
 * Reads and checks the key once.
 * @throws ConfigFault about `NODE_KEY` or `NODE_KEY_PW`, without their values
 */
export async function createSign(options: SignOptions): Promise<Sign> {
  const key = nodeKey(options)
  const alg = key && algorithmOf(key)
  if (!key || !alg) return async () => null
  const header = { alg, typ: SIGNATURE_TYPE, kid: await keyId(key) }
  return (document) => new CompactSign(Buffer.from(document)).setProtectedHeader(header).sign(key)
}

/**
 * The key, checked; undefined if the node has none.
 * @throws ConfigFault about `NODE_KEY` or `NODE_KEY_PW`, without their values
 */
export function nodeKey({ keyFile, passphrase, read = readFileSync }: SignOptions): KeyObject | undefined {
  if (keyFile === '') return undefined
  const key = readPrivateKey(keyFile, passphrase, read)
  if (algorithmOf(key) === undefined) throw new ConfigFault([`NODE_KEY: expected ${KEY_TYPES}`])
  return key
}

function readPrivateKey(file: string, passphrase: string, read: (path: string) => Buffer): KeyObject {
  const pem = readPem(file, read)
  try {
    return createPrivateKey({ key: pem, format: 'pem', ...(passphrase === '' ? {} : { passphrase }) })
  } catch {
    const encrypted = /ENCRYPTED/.test(pem)
    if (encrypted && passphrase === '') throw new ConfigFault(['NODE_KEY_PW: expected the passphrase of NODE_KEY'])
    if (encrypted) throw new ConfigFault(['NODE_KEY_PW: is not the passphrase of NODE_KEY, or the key is damaged'])
    throw new ConfigFault(['NODE_KEY: expected a PEM file with a private key'])
  }
}

function readPem(file: string, read: (path: string) => Buffer): string {
  try {
    return read(file).toString('latin1')
  } catch {
    throw new ConfigFault(['NODE_KEY: expected the path of a readable file'])
  }
}

/** Undefined for a key that is not accepted. */
function algorithmOf(key: KeyObject): string | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'rsa') return (details?.modulusLength ?? 0) >= SMALLEST_RSA ? 'RS256' : undefined
  if (type === 'ec') return ALGORITHM_OF_CURVE[details?.namedCurve ?? '']
  return type === 'ed25519' ? 'EdDSA' : undefined
}

/** Its JWK thumbprint, which is the same for the private and the public key. */
export const keyId = async (key: KeyObject): Promise<string> =>
  calculateJwkThumbprint(await exportJWK(key.type === 'private' ? createPublicKey(key) : key))

/** Reads a public key or a certificate. Rejects a private key: verification does not need it. */
export function readPublicKey(pem: string): KeyObject | undefined {
  if (!/-----BEGIN (?:CERTIFICATE|(?:RSA )?PUBLIC KEY)-----/.test(pem) || /PRIVATE KEY-----/.test(pem)) return undefined
  try {
    const key = createPublicKey(pem)
    return algorithmOf(key) === undefined ? undefined : key
  } catch {
    return undefined
  }
}

export type SignatureVerdict = { readonly ok: true } | { readonly ok: false; readonly reason: string }

const no = (reason: string): SignatureVerdict => ({ ok: false, reason })

/** Verifies that `jws` is a signature by this key over exactly this document. */
export async function verifyArchive(document: string, jws: string, publicKeyPem: string): Promise<SignatureVerdict> {
  const key = readPublicKey(publicKeyPem)
  const alg = key && algorithmOf(key)
  if (key === undefined || alg === undefined) return no(`the key is no public key or certificate for ${KEY_TYPES}`)
  try {
    const { payload, protectedHeader } = await compactVerify(jws, key, { algorithms: [alg] })
    if (protectedHeader.typ !== SIGNATURE_TYPE) return no('the signature is not one of an archive entry')
    return Buffer.from(document).equals(payload) ? { ok: true } : no('the document is not the one that was signed')
  } catch (error) {
    return no(await reasonOf(error, jws, key))
  }
}

async function reasonOf(error: unknown, jws: string, key: KeyObject): Promise<string> {
  const kid = kidOf(jws)
  if (kid !== undefined && kid !== (await keyId(key))) return 'signed with another key'
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'the signature does not fit'
  return 'the signature is malformed'
}

function kidOf(jws: string): string | undefined {
  try {
    return decodeProtectedHeader(jws).kid
  } catch {
    return undefined
  }
}
