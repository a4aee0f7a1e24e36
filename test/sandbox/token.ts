/** An access token like Keycloak's, but without a valid signature. */
export function unsignedToken(client: string, lifeSeconds = 300, now = Date.now()): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const iat = Math.floor(now / 1000)
  return `${encode({ alg: 'RS256', typ: 'JWT' })}.${encode({ azp: client, iat, exp: iat + lifeSeconds })}.c2lnbmF0dXJl`
}
