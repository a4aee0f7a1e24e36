/** Keys and tokens of the Keycloak stand-in: claims, types and algorithms as Keycloak issues them. */
import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, jwtVerify, SignJWT } from 'jose'

export interface SigningKey {
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicKey: CryptoKey
  readonly jwk: JWK
}

export interface MintOptions {
  /** Default: the realm's current key with RS256. */
  readonly key?: CryptoKey | Uint8Array
  readonly alg?: string
  /** Null leaves the header out. */
  readonly kid?: string | null
}

export interface Subject {
  readonly sub: string
  /** The client that asked. */
  readonly azp: string
  readonly username: string
  /** Extra claims. */
  readonly claims: Readonly<Record<string, unknown>>
}

const REFRESH_SECONDS = 1800

export async function createKeys() {
  encryptionKey ??= makeKey('RSA-OAEP', 'enc')
  const encryption = await encryptionKey
  const refreshSecret = randomBytes(64)
  const refreshKid = randomUUID()
  let current = await makeKey('RS256', 'sig')
  let published = [current]

  return {
    /** Public keys as `/certs` shows them; the one for encryption is no signing key. */
    jwks: () => ({ keys: [encryption, ...published].map(({ jwk }) => jwk) }),
    current: () => current,

    /** A new signing key; tokens of the old ones stay valid unless they are dropped. */
    async rotate(dropOld: boolean): Promise<void> {
      current = await makeKey('RS256', 'sig')
      published = dropOld ? [current] : [current, ...published]
    },

    sign(claims: Readonly<Record<string, unknown>>, options: MintOptions = {}): Promise<string> {
      const kid = options.kid === undefined ? current.kid : options.kid
      const header = { alg: options.alg ?? 'RS256', typ: 'JWT', ...(kid === null ? {} : { kid }) }
      return new SignJWT({ ...claims }).setProtectedHeader(header).sign(options.key ?? current.privateKey)
    },

    /** Keycloak signs refresh tokens with a secret of its own, HS512. */
    signRefresh(claims: Readonly<Record<string, unknown>>): string {
      const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const head = `${encode({ alg: 'HS512', typ: 'JWT', kid: refreshKid })}.${encode(claims)}`
      return `${head}.${createHmac('sha512', refreshSecret).update(head).digest('base64url')}`
    },

    /** Claims of an access token of ours that has not expired. */
    async verify(token: string): Promise<Readonly<Record<string, unknown>> | undefined> {
      for (const { publicKey } of published) {
        const verified = await jwtVerify(token, publicKey, { algorithms: ['RS256'] }).catch(() => undefined)
        if (verified?.payload['typ'] === 'Bearer') return verified.payload
      }
      return undefined
    },
  }
}

/** Nothing is ever encrypted with it, so one does for all. */
let encryptionKey: Promise<SigningKey> | undefined

export type Keys = Awaited<ReturnType<typeof createKeys>>

async function makeKey(alg: 'RS256' | 'RSA-OAEP', use: 'sig' | 'enc'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { modulusLength: 2048, extractable: true })
  const jwk = await exportJWK(publicKey)
  const kid = await calculateJwkThumbprint(jwk)
  return { kid, privateKey, publicKey, jwk: { ...jwk, kid, alg, use } }
}

/** What every token of the realm says, before its type. */
export const baseClaims = (issuer: string, subject: Subject, lifetimeSeconds: number, now: Date) => {
  const iat = Math.floor(now.getTime() / 1000)
  return { iss: issuer, sub: subject.sub, azp: subject.azp, iat, exp: iat + lifetimeSeconds, jti: randomUUID() }
}

export const accessClaims = (issuer: string, subject: Subject, lifetimeSeconds: number, now: Date) => ({
  ...baseClaims(issuer, subject, lifetimeSeconds, now),
  aud: 'account',
  typ: 'Bearer',
  acr: '1',
  realm_access: { roles: ['default-roles', 'offline_access', 'uma_authorization'] },
  scope: 'profile email',
  email_verified: false,
  preferred_username: subject.username,
  ...subject.claims,
})

export const idClaims = (issuer: string, subject: Subject, lifetimeSeconds: number, now: Date) => ({
  ...baseClaims(issuer, subject, lifetimeSeconds, now),
  aud: subject.azp,
  typ: 'ID',
  acr: '1',
  preferred_username: subject.username,
})

export const refreshClaims = (issuer: string, subject: Subject, now: Date) => ({
  ...baseClaims(issuer, subject, REFRESH_SECONDS, now),
  aud: issuer,
  typ: 'Refresh',
  scope: 'profile email',
})

export const REFRESH_LIFETIME_SECONDS = REFRESH_SECONDS
