import { createHub } from '../adapters/hub/index.ts'
import type { Ports } from '../po/ports.ts'
import type { Wiring } from './index.ts'

export const hub: Wiring<Pick<Ports, 'hub'>> = ({ config }) => ({
  hub: createHub({
    coreUrl: config.HUB_URL_CORE,
    authUrl: config.HUB_URL_AUTH,
    clientId: config.HUB_CLIENT_ID,
    clientSecret: config.HUB_CLIENT_SECRET,
    httpProxy: config.PO_HTTP_PROXY,
    httpsProxy: config.PO_HTTPS_PROXY,
    extraCaCerts: config.EXTRA_CA_CERTS,
  }),
})
