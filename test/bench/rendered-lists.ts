/**
 * Answers GETs from memory once they were answered: for a server whose objects do not change while it is measured with.
 * Making the same megabytes of JSON again would take the one core that the sandbox's API shares with everything else, while
 * a real API server works elsewhere, on many.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

const keyOf = ({ url, headers }: IncomingMessage): string => [url, headers.accept, headers.authorization].join(' ')

/** @param onRequest told every request, however it is answered */
export function renderOnce(server: Server, onRequest: (method: string, path: string) => void): void {
  const rendered = new Map<string, Buffer>()
  const listeners = server.listeners('request') as ((request: IncomingMessage, response: ServerResponse) => void)[]
  server.removeAllListeners('request')

  const render = (request: IncomingMessage, response: ServerResponse): void => {
    const end = response.end.bind(response)
    if (request.method === 'GET')
      response.end = (body?: unknown) => {
        if (body === undefined) return end() // sent piece by piece
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
