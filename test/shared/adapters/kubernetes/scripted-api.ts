/** An API server that answers as a test says, to see what the adapter makes of it. */
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

export interface ScriptedApi {
  readonly env: { readonly KUBECONFIG: string }
  /** What was asked, as `METHOD path?query`. */
  readonly asked: string[]
  /** Connections that were opened. */
  connections(): number
  answer(handler: Handler): void
  stop(): Promise<void>
}

export const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) =>
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))

export async function startScriptedApi(): Promise<ScriptedApi> {
  const folder = await mkdtemp(join(tmpdir(), 'scripted-api-'))
  const asked: string[] = []
  let connections = 0
  let handler: Handler = (_, response) => json(response, 200, {})
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    request.resume()
    handler(request, response)
  })
  server.on('connection', () => connections++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  const KUBECONFIG = join(folder, 'kubeconfig')
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await writeFile(KUBECONFIG, kubeconfigOf(address))
  return {
    env: { KUBECONFIG },
    asked,
    connections: () => connections,
    answer(next) {
      handler = next
      asked.length = 0
    },
    async stop() {
      server.close()
      server.closeAllConnections()
      await rm(folder, { recursive: true })
    },
  }
}

export const kubeconfigOf = (server: string, namespace?: string): string =>
  JSON.stringify({
    clusters: [{ name: 'c', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'u', user: { token: 'the-token' } }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', ...(namespace ? { namespace } : {}) } }],
    'current-context': 'x',
  })
