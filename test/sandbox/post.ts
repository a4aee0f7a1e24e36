/**
 * POST like Go's HTTP client in Knative: with keep-alive, without redirects, and without a default timeout. May import nothing
 * of the product.
 */
import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { text } from 'node:stream/consumers'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

export interface Poster {
  /** Fails when there was no answer, or the signal fired first. */
  post(url: string, headers: Readonly<Record<string, string>>, body: string, signal: AbortSignal): Promise<Answer>
  /** Drops the kept connections. */
  close(): void
}

export function createPoster(): Poster {
  const agent = new Agent({ keepAlive: true })
  return {
    post: (url, headers, body, signal) =>
      new Promise((resolve, reject) => {
        const length = { 'content-length': String(Buffer.byteLength(body)) }
        const sent = request(url, { method: 'POST', headers: { ...headers, ...length }, signal, agent }, (response) => {
          const answer = (read: string) => ({ status: response.statusCode ?? 0, headers: response.headers, text: read })
          text(response).then((read) => resolve(answer(read)), reject)
        })
        sent.on('error', reject).end(body)
      }),
    close: () => agent.destroy(),
  }
}
