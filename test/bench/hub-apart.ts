/** The sandbox's Hub as a separate process that delays each response by HUB_LATENCY_MS and lists its reports over HTTP. */
import { startHub } from '../sandbox/hub.ts'
import { serveApart } from './apart.ts'

export interface HubApart {
  readonly url: string
  /** Settings by which a function connects to it. */
  readonly env: Readonly<Record<string, string>>
}

const hub = await startHub({ autoRegister: true, latencyMs: Number(process.env['HUB_LATENCY_MS']) })
const env = {
  HUB_URL_CORE: hub.coreUrl,
  HUB_URL_AUTH: hub.authUrl,
  HUB_CLIENT_ID: hub.clientId,
  HUB_CLIENT_SECRET: hub.clientSecret,
}
serveApart({ url: hub.url, env } satisfies HubApart, () => undefined)
