/**
 * Load on one function over persistent connections. Latencies are milliseconds until the whole response was read.
 *
 * The closed loop measures capacity: each client sends its next request after the last response. The open loop measures
 * latency at a rate: requests are sent at fixed times regardless of responses, and each latency counts from the time at which
 * its request was due, so that a stall delays every request in it (no coordinated omission).
 */
import { Agent, type IncomingMessage, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'

export interface Ask {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
}

export interface Answered {
  readonly status: number
  readonly text: string
}

export interface Client {
  send(ask: Ask): Promise<Answered>
  close(): void
}

export function createClient(url: string): Client {
  const agent = new Agent({ keepAlive: true })
  return {
    async send({ method, path, headers, body }) {
      const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
      const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>()
      const options = { method, agent, headers: { ...headers, ...length } }
      request(`${url}${path}`, options, resolve).on('error', reject).end(body)
      const response = await promise
      const chunks: Buffer[] = []
      for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
      return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }
    },
    close: () => agent.destroy(),
  }
}

export interface Load {
  readonly latencies: readonly number[]
  /** Requests without status 200. */
  readonly errors: number
  /** The first of them. */
  readonly firstError: string | undefined
  readonly seconds: number
}

type Send = (nth: number) => Promise<Answered>

function createTally() {
  const latencies: number[] = []
  let errors = 0
  let firstError: string | undefined
  const fail = (why: string) => {
    errors += 1
    firstError ??= why
  }
  return {
    async follow(answer: Promise<Answered>, from: number): Promise<void> {
      try {
        const { status, text } = await answer
        if (status === 200) latencies.push(performance.now() - from)
        else fail(`${status} ${text.slice(0, 200)}`)
      } catch (error) {
        fail(String(error))
      }
    },
    end: (began: number): Load => ({ latencies, errors, firstError, seconds: (performance.now() - began) / 1000 }),
  }
}

/** Every client sends for `seconds`; pending requests are awaited and counted. */
export async function closedLoop(clients: number, seconds: number, send: Send): Promise<Load> {
  const tally = createTally()
  const began = performance.now()
  let nth = 0
  const client = async () => {
    while (performance.now() - began < seconds * 1000) {
      const from = performance.now()
      await tally.follow(send(nth++), from)
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  return tally.end(began)
}

export async function openLoop(perSecond: number, seconds: number, send: Send): Promise<Load> {
  const tally = createTally()
  const underWay: Promise<void>[] = []
  const began = performance.now()
  for (let nth = 0; nth < perSecond * seconds; nth += 1) {
    const due = began + (nth * 1000) / perSecond
    const early = due - performance.now()
    if (early > 0) await delay(early)
    underWay.push(tally.follow(send(nth), due))
  }
  await Promise.all(underWay)
  return tally.end(began)
}
