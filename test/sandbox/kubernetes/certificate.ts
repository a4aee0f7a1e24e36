/** A self-signed certificate for this machine's loopback address, made without openssl. Valid for a week. */
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

export interface ServerIdentity {
  /** PEM; also the authority that clients are to trust. */
  readonly cert: string
  readonly key: string
}

const DAY = 86_400_000
const [INTEGER, BIT_STRING, OCTET_STRING, OID, UTF8, UTC_TIME, SEQUENCE, SET, TRUE] = [
  0x02,
  0x03,
  0x04,
  0x06,
  0x0c,
  0x17,
  0x30,
  0x31,
  Buffer.from([0x01, 0x01, 0xff]),
] as const

export function createServerIdentity(now = new Date()): ServerIdentity {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const algorithm = der(SEQUENCE, oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02))
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, oid(0x55, 0x04, 0x03), der(UTF8, Buffer.from('sandbox')))))
  const validity = der(SEQUENCE, time(now.getTime() - DAY), time(now.getTime() + 7 * DAY))
  const version = der(0xa0, der(INTEGER, Buffer.from([2])))
  const serial = der(INTEGER, Buffer.concat([Buffer.from([1]), randomBytes(8)]))
  const spki = publicKey.export({ type: 'spki', format: 'der' })
  const body = der(SEQUENCE, version, serial, algorithm, name, validity, name, spki, extensions())
  const signature = der(BIT_STRING, Buffer.from([0]), sign('sha256', body, privateKey))
  return {
    cert: pem('CERTIFICATE', der(SEQUENCE, body, algorithm, signature)),
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** It is its own authority, and speaks for 127.0.0.1 and localhost. */
function extensions(): Buffer {
  const isAuthority = der(SEQUENCE, oid(0x55, 0x1d, 0x13), TRUE, der(OCTET_STRING, der(SEQUENCE, TRUE)))
  const names = der(SEQUENCE, der(0x87, Buffer.from([127, 0, 0, 1])), der(0x82, Buffer.from('localhost')))
  const isFor = der(SEQUENCE, oid(0x55, 0x1d, 0x11), der(OCTET_STRING, names))
  return der(0xa3, der(SEQUENCE, isAuthority, isFor))
}

const oid = (...bytes: number[]): Buffer => der(OID, Buffer.from(bytes))

/** `YYMMDDHHMMSSZ` */
const time = (at: number): Buffer =>
  der(UTC_TIME, Buffer.from(`${new Date(at).toISOString().replaceAll(/[-:T]/g, '').slice(2, 14)}Z`))

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...size]), content])
}

/** Lines of 64 characters; an empty one would not be accepted. */
const pem = (label: string, content: Buffer): string => {
  const lines = content.toString('base64').match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
