/** How requests leave the node for the Hub: directly or by the site's proxies, trusting the site's authorities too. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import tls from 'node:tls'
import { ConfigFault } from '../../settings/config.ts'
import { createSend, type HttpAnswer, type Send, TooLarge } from '../http-client.ts'

export interface TransportOptions {
  /** Proxies for URLs of each scheme; used only when both are given. */
  readonly httpProxy?: string
  readonly httpsProxy?: string
  /** PEM file of authorities that are trusted besides the default ones. */
  readonly extraCaCerts?: string
}

/** @throws ConfigFault for a proxy that is no URL or a file that holds no certificates */
export function createTransport(options: TransportOptions): Send {
  const { httpProxy = '', httpsProxy = '', extraCaCerts = '' } = options
  const ca = extraCaCerts === '' ? undefined : [...defaultAuthorities(), ...readAuthorities(extraCaCerts)]
  if (httpProxy === '' || httpsProxy === '') return createSend(ca ? { ca } : {})

  const faults = [...proxyFaults('PO_HTTP_PROXY', httpProxy), ...proxyFaults('PO_HTTPS_PROXY', httpsProxy)]
  if (faults.length > 0) throw new ConfigFault(faults)
  return createProxySend(httpProxy, httpsProxy, ca)
}

const proxyFaults = (name: string, value: string): readonly string[] =>
  /^https?:\/\//.test(value) && URL.canParse(value) ? [] : [`${name}: expected an http:// or https:// URL`]

/** Node's own and what its options add (`NODE_EXTRA_CA_CERTS`, `--use-system-ca`); older versions know only the first. */
const defaultAuthorities = (): readonly string[] =>
  'getCACertificates' in tls ? tls.getCACertificates('default') : rootAuthorities

const rootAuthorities: readonly string[] = tls.rootCertificates

function readAuthorities(file: string): readonly string[] {
  try {
    const certificates = readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
    if (!certificates) throw new Error('no certificate in it')
    for (const pem of certificates) new X509Certificate(pem)
    return certificates
  } catch {
    throw new ConfigFault(['EXTRA_CA_CERTS: expected a readable PEM file of certificates'])
  }
}

/** Only sites with proxies load undici. */
function createProxySend(httpProxy: string, httpsProxy: string, ca: readonly string[] | undefined): Send {
  const loaded = import('undici').then(({ fetch, ProxyAgent }) => {
    const trust = ca ? { requestTls: { ca: [...ca] }, proxyTls: { ca: [...ca] } } : {}
    const plain = new ProxyAgent({ uri: httpProxy, ...trust })
    const secure = new ProxyAgent({ uri: httpsProxy, ...trust })
    return { fetch, through: (url: string) => (url.startsWith('https:') ? secure : plain) }
  })
  loaded.catch(() => undefined)
  return async ({ method, url, headers, body }, signal, limitBytes): Promise<HttpAnswer> => {
    const { fetch, through } = await loaded
    const response = await fetch(url, {
      method,
      headers: { accept: 'application/json', ...headers },
      ...(body === undefined ? {} : { body }),
      redirect: 'manual',
      signal,
      dispatcher: through(url),
    })
    const text = await readText(response.body ?? [], limitBytes)
    return { status: response.status, text, retryAfter: response.headers.get('retry-after') }
  }
}

async function readText(body: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, limitBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > limitBytes) throw new TooLarge(`more than ${limitBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
