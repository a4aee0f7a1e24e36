import { createHub } from '../adapters/hub/index.ts'
import type { Hub } from '../po/ports/hub.ts'
import type { PoPorts } from '../po/ports.ts'
import type { Config } from '../settings/config.ts'
import type { Wiring } from './context.ts'

const create = (config: Config): Hub =>
  createHub({
    coreUrl: config.HUB_URL_CORE,
    authUrl: config.HUB_URL_AUTH,
    clientId: config.HUB_CLIENT_ID,
    clientSecret: config.HUB_CLIENT_SECRET,
    httpProxy: config.PO_HTTP_PROXY,
    httpsProxy: config.PO_HTTPS_PROXY,
    extraCaCerts: config.EXTRA_CA_CERTS,
  })

const wiring: Wiring<Pick<PoPorts, 'hub'>> = ({ config }) => ({ hub: create(config) })

export const hub = Object.assign(wiring, { check: create })
