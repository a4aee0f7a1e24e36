/** The way out of the node: proxies of the site and its own certificate authorities, with real servers for both. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTransport, type TransportOptions } from '../../../../shared/adapters/hub/transport.ts'

const dir = mkdtempSync(join(tmpdir(), 'hub-transport-'))
const file = (name: string): string => join(dir, name)
const hasOpenssl = makeCertificate()
if (!hasOpenssl)
  process.stderr.write('SKIPPED: trust and proxy tests of the Hub. Install openssl (apt install openssl).\n')

function makeCertificate(): boolean {
  const args = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=hub.test'.split(' ')
  const names = [
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-keyout',
    file('key.pem'),
    '-out',
    file('ca.pem'),
  ]
  try {
    execFileSync('openssl', [...args, ...names], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const stops: (() => void)[] = []
const listen = async (server: ReturnType<typeof createServer>): Promise<number> => {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  stops.push(() => {
    server.close()
    server.closeAllConnections()
  })
  return (server.address() as AddressInfo).port
}

const certificate = () => ({ key: readFileSync(file('key.pem')), cert: readFileSync(file('ca.pem')) })

interface Proxy {
  readonly url: string
  readonly seen: string[]
  readonly logins: (string | undefined)[]
}

/** A forward proxy that notes what it was asked for. */
async function startProxy({ withTls = false, tunnelStatus = 200 } = {}): Promise<Proxy> {
  const [seen, logins]: [string[], (string | undefined)[]] = [[], []]
  const server = withTls ? createSecureServer(certificate()) : createServer()
  server.on('request', (incoming, outgoing) => {
    seen.push(`${incoming.method} ${incoming.url}`)
    logins.push(incoming.headers['proxy-authorization'])
    const { method = 'GET', url = '', headers } = incoming
    incoming.pipe(
      httpRequest(url, { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(outgoing)
      }),
    )
  })
  server.on('connect', (incoming, socket) => {
    seen.push(`CONNECT ${incoming.url}`)
    logins.push(incoming.headers['proxy-authorization'])
    if (tunnelStatus !== 200) return void socket.end(`HTTP/1.1 ${tunnelStatus} No\r\n\r\n`)
    const [host = '', port = ''] = (incoming.url ?? '').split(':')
    const through = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      through.pipe(socket).pipe(through)
    })
    stops.push(() => through.destroy())
    through.on('error', () => socket.destroy())
    socket.on('error', () => through.destroy())
  })
  return { url: `${withTls ? 'https' : 'http'}://127.0.0.1:${await listen(server)}`, seen, logins }
}

let plain: string
let secure: string
beforeAll(async () => {
  const answer = `{"data":[]}`
  plain = `http://127.0.0.1:${await listen(createServer((_, response) => response.end(answer)))}/`
  if (!hasOpenssl) return
  secure = `https://127.0.0.1:${await listen(createSecureServer(certificate(), (_, response) => response.end(answer)))}/`
})
afterAll(() => {
  for (const stop of stops) stop()
  rmSync(dir, { recursive: true })
})

const get = (options: TransportOptions, url: string) =>
  createTransport(options)({ method: 'GET', url }, AbortSignal.timeout(5000), 1000).then(
    ({ status }) => status,
    (error: NodeJS.ErrnoException) => (error.cause as NodeJS.ErrnoException | undefined)?.code ?? error.code,
  )

test.each([
  ['EXTRA_CA_CERTS', { extraCaCerts: '/does/not/exist' }],
  ['EXTRA_CA_CERTS', { extraCaCerts: import.meta.filename }],
  ['PO_HTTP_PROXY', { httpProxy: 'proxy:3128', httpsProxy: 'http://proxy:3128' }],
  ['PO_HTTPS_PROXY', { httpProxy: 'http://proxy:3128', httpsProxy: 'p%%w' }],
])('a wrong %s is told by name at start, and not its value', (name, options) => {
  const fault = (() => {
    try {
      return String(createTransport(options))
    } catch (error) {
      return String(error)
    }
  })()
  expect(fault).toContain(`${name}: expected`)
  for (const value of Object.values(options)) expect(fault).not.toContain(value)
})

test('a damaged certificate is told at start', () => {
  writeFileSync(file('bad.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
  expect(() => createTransport({ extraCaCerts: file('bad.pem') })).toThrow('EXTRA_CA_CERTS')
})

test.each([
  ['only PO_HTTP_PROXY', 'http'],
  ['only PO_HTTPS_PROXY', 'https'],
])('with %s no proxy is used', async (_, which) => {
  const proxy = await startProxy()
  const options = which === 'http' ? { httpProxy: proxy.url } : { httpsProxy: proxy.url, httpProxy: '' }
  expect(await get(options, plain)).toBe(200)
  expect(proxy.seen).toEqual([])
})

describe.skipIf(!hasOpenssl && !process.env['CI'])('with a certificate of an authority of the site', () => {
  test('the Hub is not trusted by default', async () => {
    expect(await get({}, secure)).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
  })

  test('the Hub is trusted when EXTRA_CA_CERTS has it', async () => {
    expect(await get({ extraCaCerts: file('ca.pem') }, secure)).toBe(200)
  })

  test('each scheme goes through its own proxy; https as a tunnel, and trusted', async () => {
    const [http, https] = [await startProxy(), await startProxy()]
    const options = { httpProxy: http.url, httpsProxy: https.url, extraCaCerts: file('ca.pem') }
    expect(await get(options, plain)).toBe(200)
    expect(http.seen).toEqual([`GET ${plain}`])
    expect(await get(options, secure)).toBe(200)
    expect(https.seen).toEqual([`CONNECT ${new URL(secure).host}`])
  })

  test('through a proxy, too, the Hub is not trusted without its authority', async () => {
    const proxy = await startProxy()
    expect(await get({ httpProxy: proxy.url, httpsProxy: proxy.url }, secure)).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
  })

  test('a proxy with TLS is trusted by the same authority, and not without it', async () => {
    const proxy = await startProxy({ withTls: true })
    const options = { httpProxy: proxy.url, httpsProxy: proxy.url }
    for (const url of [plain, secure]) {
      expect(await get({ ...options, extraCaCerts: file('ca.pem') }, url)).toBe(200)
      expect(await get(options, url)).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
    }
    expect(proxy.seen).toEqual([`GET ${plain}`, `CONNECT ${new URL(secure).host}`])
  })

  test('a tunnel is kept for the next request', async () => {
    const proxy = await startProxy()
    const send = createTransport({ httpProxy: proxy.url, httpsProxy: proxy.url, extraCaCerts: file('ca.pem') })
    for (let nth = 0; nth < 3; nth += 1)
      expect((await send({ method: 'GET', url: secure }, AbortSignal.timeout(5000), 1000)).text).toBe('{"data":[]}')
    expect(proxy.seen).toHaveLength(1)
  })

  test('a login is sent to the proxies', async () => {
    const proxy = await startProxy()
    const url = proxy.url.replace('//', '//node:p%40ss@')
    const options = { httpProxy: url, httpsProxy: url, extraCaCerts: file('ca.pem') }
    for (const target of [plain, secure]) expect(await get(options, target)).toBe(200)
    const login = `Basic ${Buffer.from('node:p@ss').toString('base64')}`
    expect(proxy.logins).toEqual([login, login])
  })

  test('a proxy that refuses the tunnel fails the request', async () => {
    const proxy = await startProxy({ tunnelStatus: 403 })
    const send = createTransport({ httpProxy: proxy.url, httpsProxy: proxy.url })
    const request = send({ method: 'GET', url: secure }, AbortSignal.timeout(5000), 1000)
    await expect(request).rejects.toThrow('the proxy answered 403')
  })

  test('a proxy that is away fails the request', async () => {
    const away = 'http://127.0.0.1:1'
    for (const url of [plain, secure])
      expect(await get({ httpProxy: away, httpsProxy: away }, url)).toBe('ECONNREFUSED')
  })
})
