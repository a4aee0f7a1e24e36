/**
 * The Kubernetes API with a delay before each request, and the responses of pods behind its service proxy: analyses respond as
 * the test sets, other Services with success.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { forward } from '../../sandbox/forward.ts'

const SERVICE = /\/services\/(?:nginx-(?<run>analysis-[^:]+)|[^:/]+):\d+\/proxy\/(?<path>.*)$/

export interface SlowApi {
  readonly url: string
  delayMs: number
  /** Called for each request before it is forwarded. */
  onRequest: (line: string) => void
  stop(): Promise<void>
}

/** `status` says what the analysis of a run answers; undefined: nothing. */
export async function startSlowApi(upstream: string, status: (run: string) => string | undefined): Promise<SlowApi> {
  const { hostname: host, port } = new URL(upstream)
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const api: SlowApi = {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    delayMs: 0,
    onRequest: () => {},
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '/'
    api.onRequest(`${request.method} ${path}`)
    await wait(api.delayMs)
    const service = SERVICE.exec(path)?.groups
    if (service) answerFor(service['run'], service['path'] ?? '', response)
    else await forward(request, response, { host, port: Number(port), path, headers: { host: `${host}:${port}` } })
  }

  function answerFor(run: string | undefined, path: string, response: ServerResponse): void {
    const said = run === undefined || !path.endsWith('healthz') ? 'ok' : status(run)
    const body = said && JSON.stringify({ status: said, token_remaining_time: 3600 })
    response.writeHead(body ? 200 : 503, { 'content-type': 'application/json' }).end(body ?? '{}')
  }

  return api
}
