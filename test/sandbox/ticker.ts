/**
 * Sends what a PingSource sends: a binary CloudEvent with JSON data at each full interval, a little late by chance, each
 * tick on its own, retried as the source does. Other answers than those to retry lose the tick, as there.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

export interface TickerOptions {
  readonly sink: string
  readonly intervalSeconds: number
  readonly namespace: string
  readonly name?: string
  readonly data?: Readonly<Record<string, unknown>>
  /** Called with the status of each delivered tick, or what went wrong with a lost one. */
  readonly onTick?: (outcome: { readonly status: number } | { readonly error: unknown }) => void
  readonly random?: () => number
}

export interface Ticker {
  /** Sends one tick now. */
  tick(): Promise<void>
  stop(): Promise<void>
}

/** Answers after which a PingSource tries again. */
const RETRIED = new Set([404, 413, 425, 429, 502, 503, 504])
const RETRY_DELAYS_MS = [100, 200, 400, 800, 1600] as const
const JITTER_MS = 500

export function startTicker(options: TickerOptions): Ticker {
  const { intervalSeconds, onTick = () => {}, random = Math.random } = options
  const ending = new AbortController()
  const underWay = new Set<Promise<void>>()

  const tick = async () => {
    const deliver = send(options, ending.signal).then(
      (status) => onTick({ status }),
      (error) => {
        if (!ending.signal.aborted) onTick({ error })
      },
    )
    underWay.add(deliver)
    await deliver
    underWay.delete(deliver)
  }

  const run = async () => {
    while (!ending.signal.aborted) {
      const interval = intervalSeconds * 1000
      const untilNext = interval - (Date.now() % interval)
      await delay(untilNext + random() * JITTER_MS, undefined, { signal: ending.signal })
      void tick()
    }
  }
  const running = run().catch((error) => {
    if (!ending.signal.aborted) throw error
  })

  return {
    tick,
    stop: async () => {
      ending.abort()
      await running
      await Promise.allSettled(underWay)
    },
  }
}

/** One tick with its retries; the retries bear the same id. */
async function send(options: TickerOptions, signal: AbortSignal): Promise<number> {
  const { sink, namespace, name = 'status-loop', data = {} } = options
  const headers = {
    'ce-specversion': '1.0',
    'ce-type': 'dev.knative.sources.ping',
    'ce-source': `/apis/v1/namespaces/${namespace}/pingsources/${name}`,
    'ce-id': randomUUID(),
    'ce-time': new Date().toISOString(),
    'content-type': 'application/json',
  }
  for (const [attempt, pause] of [...RETRY_DELAYS_MS, undefined].entries()) {
    const status = await post(sink, headers, JSON.stringify(data), signal)
    if (pause === undefined || (status !== undefined && !RETRIED.has(status))) {
      if (status === undefined) throw new Error(`no answer after ${attempt + 1} attempts`)
      return status
    }
    await delay(pause, undefined, { signal })
  }
  throw new Error('unreachable')
}

/** The status of the answer; undefined when there was none. */
async function post(url: string, headers: Record<string, string>, body: string, signal: AbortSignal) {
  try {
    const answer = await fetch(url, { method: 'POST', headers, body, signal })
    await answer.arrayBuffer()
    return answer.status
  } catch (error) {
    if (signal.aborted) throw error
    return undefined
  }
}
