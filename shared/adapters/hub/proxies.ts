/**
 * Requests through forward proxies, one per scheme of the target: `http:` requests are sent to the proxy, `https:` requests
 * through a CONNECT tunnel. Node's own support (`proxyEnv` of an agent) cannot trust a private CA for a proxy with TLS.
 */
import { Agent as HttpAgent } from 'node:http'
import { type AgentOptions, Agent as HttpsAgent } from 'node:https'
import { isIPv6 } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'
import { type Connector, openRequest, trusting } from '../../platform/http-client.ts'

/** Longer than the deadline of any request. */
const TUNNEL_MS = 10_000

type Trust = ReturnType<typeof trusting>

/** The header for user and password in the URL of the proxy. */
const loginOf = ({ username, password }: URL): Record<string, string> => {
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return username ? { 'proxy-authorization': `Basic ${Buffer.from(login).toString('base64')}` } : {}
}

function tunnels(proxy: URL, trust: Trust, options: AgentOptions): HttpsAgent {
  const agent = new HttpsAgent({ ...options, ...trust })
  agent.createConnection = ({ host, port, ...target }, done) => {
    const path = `${isIPv6(host ?? '') ? `[${host}]` : host}:${port}`
    const headers = { host: path, ...loginOf(proxy) }
    const { sent } = openRequest(proxy, {
      method: 'CONNECT',
      path,
      headers,
      agent: false,
      timeout: TUNNEL_MS,
      ...trust,
    })
    sent.on('timeout', () => sent.destroy(new Error(`the proxy opened no tunnel within ${TUNNEL_MS} ms`)))
    sent.on('connect', ({ statusCode }, socket) => {
      if (statusCode === 200) return done?.(null, connect({ ...(target as ConnectionOptions), socket }))
      socket.destroy()
      done?.(new Error(`the proxy answered ${statusCode}`), socket)
    })
    sent.on('error', done as (error: Error) => void)
    sent.end()
    return undefined
  }
  return agent
}

/** @param ca certificate authorities instead of the default ones, of proxies and targets, PEM */
export const byProxies =
  (proxies: { readonly http: URL; readonly https: URL }, ca?: readonly string[]): Connector =>
  (options) => {
    const trust = trusting(ca)
    const tunnel = tunnels(proxies.https, trust, options)
    const agent = proxies.http.protocol === 'https:' ? new HttpsAgent({ ...options, ...trust }) : new HttpAgent(options)
    return (url) =>
      url.protocol === 'https:'
        ? { to: url, agent: tunnel }
        : { to: proxies.http, agent, path: url.href, headers: { host: url.host, ...loginOf(proxies.http) } }
  }
