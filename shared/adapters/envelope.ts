/**
 * Signed envelopes (DSSE, https://github.com/secure-systems-lab/dsse): a payload with its type, signed with the node's key. The
 * signature covers both, so a payload of one type cannot pass for one of another.
 *
 * ECDSA signatures are in DER, RSA ones PKCS #1 v1.5 with SHA-256, as the tools of the in-toto project expect them.
 */
import { type KeyObject, sign, verify } from 'node:crypto'
import type { Envelope } from '../po/ports/record.ts'
import { asObject, asObjects, textOf } from './json.ts'
import { keyId, nodeKey, readPublicKey, type SignatureVerdict, type SignOptions } from './signing.ts'

/** The bytes that are signed: lengths precede type and payload, so their border cannot move. */
const signedBytes = (type: string, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${payload.length} `), payload])

const HASH_OF_CURVE: Readonly<Record<string, string>> = {
  prime256v1: 'sha256',
  secp384r1: 'sha384',
  secp521r1: 'sha512',
}

/** Null for Ed25519, which hashes by itself. */
function hashOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): string | null {
  if (type === 'ed25519') return null
  return type === 'ec' ? (HASH_OF_CURVE[details?.namedCurve ?? ''] ?? 'sha256') : 'sha256'
}

/** Puts a payload into an envelope; without signatures when the node has no key. */
export type SignEnvelope = (payloadType: string, payload: string) => Envelope

/**
 * Reads and checks the key once. Without a key, envelopes have no signature.
 * @throws ConfigFault about `NODE_KEY` or `NODE_KEY_PW`, without their values
 */
export async function createSignEnvelope(options: SignOptions): Promise<SignEnvelope> {
  const key = nodeKey(options)
  const keyid = key ? await keyId(key) : ''
  return (payloadType, payload) => {
    const bytes = Buffer.from(payload)
    const signatures = key
      ? [{ keyid, sig: sign(hashOf(key), signedBytes(payloadType, bytes), key).toString('base64') }]
      : []
    return { payloadType, payload: bytes.toString('base64'), signatures }
  }
}

const bad = (reason: string): SignatureVerdict => ({ ok: false, reason })

/** The payload of an envelope, whether or not its signature is valid; undefined for text that is no envelope of this type. */
export function payloadOf(envelope: unknown, payloadType: string): string | undefined {
  const object = asObject(envelope)
  const payload = textOf(object, 'payload')
  return payload === undefined || textOf(object, 'payloadType') !== payloadType
    ? undefined
    : Buffer.from(payload, 'base64').toString('utf8')
}

/** Verifies that one of the signatures is by this key over this payload and this type. */
export async function verifyEnvelope(envelope: unknown, payloadType: string, pem: string): Promise<SignatureVerdict> {
  const key = readPublicKey(pem)
  const object = asObject(envelope)
  const payload = textOf(object, 'payload')
  if (!key) return bad('the key is no public key or certificate of an accepted kind')
  if (payload === undefined || textOf(object, 'payloadType') !== payloadType)
    return bad(`it is no envelope of type ${payloadType}`)
  const signatures = asObjects(object['signatures'])
  if (signatures.length === 0) return bad('it is not signed')
  const bytes = signedBytes(payloadType, Buffer.from(payload, 'base64'))
  const isValid = signatures.some((one) =>
    verify(hashOf(key), bytes, key, Buffer.from(textOf(one, 'sig') ?? '', 'base64')),
  )
  if (isValid) return { ok: true }
  const id = await keyId(key)
  return bad(
    signatures.some((one) => textOf(one, 'keyid') === id) ? 'the signature does not fit' : 'signed with another key',
  )
}
