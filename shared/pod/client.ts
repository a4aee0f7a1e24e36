/** Calls of the programs beside a run: with its token, streamed, tried again where that makes sense. */

import type { IncomingMessage } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { openRequest, readText } from '../platform/http-client.ts'
import type { Bytes } from '../platform/ports.ts'
import type { RunEnvironment } from './environment.ts'

/** The other side said no: asking again would not help. */
export class Refused extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.name = 'Refused'
    this.status = status
  }
}

const STALL_MS = 60_000
const PAUSE_MS = { first: 250, most: 10_000 }
/** Above a page of 1,000 files with the longest paths. */
const ANSWER_BYTES = 64 * 1024 * 1024
/** How long an answer is waited for on a connection that takes nothing more. */
const LATE_ANSWER_MS = 2000
/** Faults of this side's files, which waiting does not mend. */
const LOCAL = /^(ENOSPC|EDQUOT|EACCES|EPERM|EROFS|EISDIR|ENOTDIR|ENAMETOOLONG|ELOOP|ENOENT|EEXIST|EIO)$/
const AGAIN = [408, 425, 429, 500, 502, 503, 504]

interface Sent {
  readonly bytes: Bytes
  readonly length: number
}

export interface RunClient {
  /** Tries until `until`, with longer and longer pauses. @throws what failed last, or `Refused` at once */
  persist<T>(until: number, attempt: () => Promise<T>): Promise<T>
  json(method: string, path: string, body?: object): Promise<unknown>
  send(method: string, path: string, body: Sent): Promise<unknown>
  receive(path: string): Promise<Bytes>
}

const buffered = (value: object): Sent => {
  const bytes = Buffer.from(JSON.stringify(value))
  return {
    length: bytes.length,
    bytes: (async function* () {
      yield bytes
    })(),
  }
}

const isFinal = (error: unknown): boolean =>
  error instanceof Refused || LOCAL.test(String((error as NodeJS.ErrnoException).code))

/** The sentence of a refusal, where it is one of ours. */
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
  throw AGAIN.includes(status) ? new Error(words) : new Refused(status, words)
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
