/**
 * Caches responses to GETs, for a server whose objects do not change during a measurement. Rendering the same megabytes of JSON
 * again would use the core that the sandbox's API shares with the product, while a real API server has its own machine.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

const keyOf = ({ url, headers }: IncomingMessage): string => [url, headers.accept, headers.authorization].join(' ')

/** @param onRequest called for every request, cached or not */
export function renderOnce(server: Server, onRequest: (method: string, path: string) => void): void {
  const rendered = new Map<string, Buffer>()
  const listeners = server.listeners('request') as ((request: IncomingMessage, response: ServerResponse) => void)[]
  server.removeAllListeners('request')

  const render = (request: IncomingMessage, response: ServerResponse): void => {
    const end = response.end.bind(response)
    if (request.method === 'GET')
      response.end = (body?: unknown) => {
        if (body === undefined) return end() // sent in chunks
        const text = Buffer.from(String(body))
        if (response.statusCode === 200) rendered.set(keyOf(request), text)
        return end(text)
      }
    for (const listener of listeners) listener.call(server, request, response)
  }

  server.on('request', (request, response) => {
    onRequest(request.method ?? '', request.url ?? '')
    const known = request.method === 'GET' ? rendered.get(keyOf(request)) : undefined
    if (!known) return render(request, response)
    const headers = { 'content-type': 'application/json', 'content-length': known.length }
    response.writeHead(200, headers).end(known)
  })
}
