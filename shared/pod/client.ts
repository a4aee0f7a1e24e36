/** HTTP requests of the programs beside a run: with its token, streamed, retried after temporary failures. */

import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { openRequest, readText } from '../platform/http-client.ts'
import type { Bytes } from '../platform/ports.ts'
import type { RunEnvironment } from './environment.ts'

/** The server refused the request: a retry would not help. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

const STALL_MS = 60_000
const PAUSE_MS = { first: 250, most: 10_000 }
/** Above a page of 1,000 files with the longest paths. */
const ANSWER_BYTES = 64 * 1024 * 1024
/** Time to wait for an answer when the connection accepts no more bytes. */
const LATE_ANSWER_MS = 2000
/** Errors of the local file system, which are permanent. */
const LOCAL = /^(ENOSPC|EDQUOT|EACCES|EPERM|EROFS|EISDIR|ENOTDIR|ENAMETOOLONG|ELOOP|ENOENT|EEXIST|EIO)$/
const AGAIN = [408, 425, 429, 500, 502, 503, 504]

interface Sent {
  readonly bytes: Bytes
  readonly length: number
}

export interface RunClient {
  /** Retries until `until`, with exponential back-off. @throws the last error, or a permanent one at once */
  persist<T>(until: number, attempt: () => Promise<T>): Promise<T>
  json(method: string, path: string, body?: object): Promise<unknown>
  send(method: string, path: string, body: Sent): Promise<unknown>
  receive(path: string): Promise<Bytes>
}

const buffered = (value: object): Sent => {
  const bytes = Buffer.from(JSON.stringify(value))
  return { length: bytes.length, bytes: Readable.from([bytes]) }
}

const isFinal = (error: unknown): boolean =>
  error instanceof Refused || LOCAL.test(String((error as NodeJS.ErrnoException).code))

/** The message in an error answer of our functions. */
function sentence(answer: string): string {
  try {
    const { detail } = JSON.parse(answer) as { detail?: unknown }
    return typeof detail === 'string' ? detail : answer
  } catch {
    return answer
  }
}

async function good(response: IncomingMessage): Promise<IncomingMessage> {
  const status = response.statusCode ?? 0
  if (status >= 200 && status < 300) return response
  const words = `${status} ${sentence(await readText(response, ANSWER_BYTES)).slice(0, 500)}`
  throw AGAIN.includes(status) ? new Error(words) : new Refused(words)
}

export function createClient({ url, serviceId, token }: RunEnvironment): RunClient {
  const base = `${url}/run/${serviceId}/`

  async function call(method: string, path: string, body?: Sent): Promise<IncomingMessage> {
    const { sent, answer } = openRequest(new URL(base + path), {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body && { 'content-length': body.length, 'content-type': 'application/octet-stream' }),
      },
    })
    sent.setTimeout(STALL_MS, () => sent.destroy(new Error(`nothing came for ${STALL_MS / 1000} s`)))
    if (!body) sent.end()
    else
      await pipeline(body.bytes, sent).catch(async (error: unknown) => {
        // A refusal may have come before all was sent.
        const early = await Promise.race([answer.catch(() => undefined), delay(LATE_ANSWER_MS)])
        if (!early) throw error
      })
    return good(await answer)
  }
  const parsed = async (response: Promise<IncomingMessage>): Promise<unknown> =>
    JSON.parse(await readText(await response, ANSWER_BYTES))

  return {
    async persist(until, attempt) {
      for (let pause = PAUSE_MS.first; ; pause = Math.min(PAUSE_MS.most, pause * 2)) {
        try {
          return await attempt()
        } catch (error) {
          if (isFinal(error) || Date.now() + pause >= until) throw error
          await delay(pause)
        }
      }
    },
    json: (method, path, body) => parsed(call(method, path, body && buffered(body))),
    send: (method, path, body) => parsed(call(method, path, body)),
    receive: (path) => call('GET', path),
  }
}
