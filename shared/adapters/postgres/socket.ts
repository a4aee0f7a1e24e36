/**
 * The socket of a connection to PostgreSQL: plain or TLS, according to `POSTGRES_SSLMODE`.
 *
 * The driver does not upgrade it, because it would remove all listeners from the socket, start TLS with a server that declined
 * it, and verify the certificate for `localhost` if the host is an address.
 */
import { readFileSync } from 'node:fs'
import { isIP, connect as openSocket, type Socket } from 'node:net'
import { connect as openTls } from 'node:tls'
import { type Config, ConfigFault } from '../../settings/config.ts'

export type SocketSettings = Pick<Config, 'POSTGRES_HOST' | 'POSTGRES_PORT' | 'POSTGRES_SSLMODE' | 'POSTGRES_CA'>

export const lost = (code: string, why: string, cause?: unknown): Error =>
  Object.assign(new Error(why, { cause }), { code })

/** Length and code of the SSLRequest message. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
const [YES, NO] = ['S', 'N']

function settled<T>(socket: Socket, event: 'data' | 'secureConnect'): Promise<T> {
  return new Promise<T>((done, fail) => {
    const hungUp = () => fail(lost('ECONNRESET', 'the server hung up'))
    socket.once('error', fail).once('close', hungUp)
    socket.once(event, (value: T) => {
      socket.off('error', fail).off('close', hungUp)
      done(value)
    })
  })
}

/** True if the server accepts TLS. Any bytes after the answer were injected (CVE-2021-23222). */
async function offersTls(socket: Socket): Promise<boolean> {
  socket.write(SSL_REQUEST)
  const answered = settled<Buffer>(socket, 'data')
  socket.once('data', () => socket.pause())
  const answer = (await answered).toString('latin1')
  if (answer !== YES && answer !== NO) throw lost('CONNECTION_REFUSED', 'the server does not answer to SSLRequest')
  return answer === YES
}

/** Like libpq: with an authority, `require` verifies the issuer of the certificate. */
function trust({ POSTGRES_SSLMODE: mode, POSTGRES_CA: file }: SocketSettings) {
  const ca = file ? { ca: readFileSync(file) } : {}
  if (mode === 'verify-full') return { ...ca, rejectUnauthorized: true }
  if (mode === 'verify-ca' || (mode === 'require' && file))
    return { ...ca, rejectUnauthorized: true, checkServerIdentity: () => undefined }
  return { rejectUnauthorized: false }
}

async function upgrade(raw: Socket, settings: SocketSettings): Promise<Socket> {
  const { POSTGRES_HOST: host, POSTGRES_SSLMODE: mode } = settings
  const name = isIP(host) ? {} : { servername: host }
  const socket = openTls({ socket: raw, host, ...name, ...trust(settings) })
  try {
    await settled(socket, 'secureConnect')
    return socket
  } catch (error) {
    const why = error instanceof Error ? error.message : ''
    throw lost('CONNECTION_NOT_TRUSTED', `no TLS with the database under POSTGRES_SSLMODE=${mode}: ${why}`, error)
  }
}

async function openEncrypted(raw: Socket, settings: SocketSettings, connectMs: number): Promise<Socket> {
  const timer = setTimeout(
    () => raw.destroy(lost('CONNECT_TIMEOUT', `no connection within ${connectMs} ms`)),
    connectMs,
  )
  try {
    if (await offersTls(raw)) return await upgrade(raw, settings)
    const { POSTGRES_SSLMODE: mode } = settings
    if (mode !== 'prefer')
      throw lost('CONNECTION_NOT_TRUSTED', `the database speaks no TLS, POSTGRES_SSLMODE is ${mode}`)
    return raw.resume()
  } catch (error) {
    raw.on('error', () => undefined).destroy()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Opens a socket for the driver; with TLS, resolves after the handshake. */
export function open(settings: SocketSettings, connectMs: number): Socket | Promise<Socket> {
  const { POSTGRES_HOST: host, POSTGRES_PORT: port, POSTGRES_SSLMODE: mode } = settings
  const raw = openSocket({ host, port, noDelay: true })
  return mode === 'disable' ? raw : openEncrypted(raw, settings, connectMs)
}

/** @throws ConfigFault when the file of authorities is not usable; each connection reads it again */
export function checkAuthority({ POSTGRES_CA: file }: Pick<Config, 'POSTGRES_CA'>): void {
  if (!file) return
  try {
    if (readFileSync(file, 'utf8').includes('-----BEGIN CERTIFICATE-----')) return
  } catch {
    // reported below
  }
  throw new ConfigFault(['POSTGRES_CA: expected a readable PEM file of certificates'])
}
