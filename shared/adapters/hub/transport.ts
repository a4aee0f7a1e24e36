/** The connection to the Hub: direct or through proxies, with additional certificate authorities. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import tls from 'node:tls'
import { createSend, direct, type Send } from '../../platform/http-client.ts'
import { ConfigFault } from '../../settings/config.ts'
import { byProxies } from './proxies.ts'

export interface TransportOptions {
  /** Proxies for URLs of each scheme; used only if both are set. */
  readonly httpProxy?: string
  readonly httpsProxy?: string
  /** PEM file of additional authorities. */
  readonly extraCaCerts?: string
}

/** @throws ConfigFault for a proxy that is not a URL, or a file without certificates */
export function createTransport(options: TransportOptions): Send {
  const { httpProxy = '', httpsProxy = '', extraCaCerts = '' } = options
  // The default includes those of Node's options (`NODE_EXTRA_CA_CERTS`, `--use-system-ca`). Node 20 has only the roots.
  const known = tls.getCACertificates?.('default') ?? tls.rootCertificates
  const ca = extraCaCerts === '' ? undefined : [...known, ...readAuthorities(extraCaCerts)]
  if (httpProxy === '' || httpsProxy === '') return createSend(direct(ca))

  const faults = [...proxyFaults('PO_HTTP_PROXY', httpProxy), ...proxyFaults('PO_HTTPS_PROXY', httpsProxy)]
  if (faults.length > 0) throw new ConfigFault(faults)
  return createSend(byProxies({ http: new URL(httpProxy), https: new URL(httpsProxy) }, ca))
}

const proxyFaults = (name: string, value: string): readonly string[] =>
  /^https?:\/\//.test(value) && URL.canParse(value) ? [] : [`${name}: expected an http:// or https:// URL`]

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
