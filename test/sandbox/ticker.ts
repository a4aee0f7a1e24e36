/**
 * Sends what a PingSource sends, as its adapter sends it: a binary CloudEvent with JSON data at each full interval, late
 * by chance, each tick on its own, retried in part, without a deadline; and worse, where `faults` say so.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { createPoster, type Poster } from './post.ts'

/** What the way from the schedule to the sink may do to ticks; each decides by `random`. */
export interface TickFaults {
  /** Share of ticks that are sent twice, as by two adapters that both believe they lead: each with its own id. */
  readonly double?: number
  /** Share of ticks that are never sent, as while no adapter leads. */
  readonly drop?: number
  /** How much later than usual a tick is sent. */
  readonly delayMs?: readonly [min: number, max: number]
}

export interface TickerOptions {
  readonly sink: string
  /** On multiples of it since the epoch, as a schedule in UTC is; null: only by hand. */
  readonly tickSeconds: number | null
  readonly namespace: string
  readonly name?: string
  readonly data?: Readonly<Record<string, unknown>>
  /** Extension attributes that every event gets. */
  readonly extensions?: Readonly<Record<string, string>>
  readonly faults?: TickFaults
  /** Called when the sink answered for good, or when there was no answer until the end. */
  readonly onTick?: (outcome: TickOutcome) => void
  readonly random?: () => number
  /** Before each retry; default: those of the adapter. */
  readonly retryPausesMs?: readonly number[]
}

export interface TickOutcome {
  readonly id: string
  /** Null: no answer to any attempt. */
  readonly status: number | null
  readonly attempts: number
}

export interface Ticker {
  /** One tick now, faults included but not late by chance; resolves when its outcome is known. */
  tick(): Promise<void>
  stop(): Promise<void>
}

/** Answers after which the adapter tries again, as it does without an answer; all others are final, 500 too. */
const RETRIED = new Set([404, 413, 425, 429, 502, 503, 504])
export const RETRY_PAUSES_MS: readonly number[] = [100, 200, 400, 800, 1600]
const JITTER_MS = 500

export function startTicker(options: TickerOptions): Ticker {
  const { tickSeconds, faults = {}, onTick = () => {}, random = Math.random } = options
  const ending = new AbortController()
  const { signal } = ending
  const poster = createPoster()
  const underWay = new Set<Promise<void>>()

  const send = async (afterMs: number): Promise<void> => {
    await delay(afterMs, undefined, { signal })
    onTick(await deliver(options, poster, signal))
  }

  const tick = async (jitterMs: number): Promise<void> => {
    const sends = delaysOf(faults, jitterMs, random).map((afterMs) => send(afterMs).catch(unlessEnding))
    const all = Promise.all(sends).then(() => {})
    underWay.add(all)
    await all
    underWay.delete(all)
  }

  const unlessEnding = (error: unknown): void => {
    if (!signal.aborted) throw error
  }

  /** What should have fired meanwhile is not made up for, and a timer that fires early does not fire twice. */
  const run = async (intervalMs: number): Promise<void> => {
    let due = Date.now()
    while (!signal.aborted) {
      due = Math.floor(Math.max(Date.now(), due) / intervalMs + 1) * intervalMs
      await delay(due - Date.now(), undefined, { signal })
      void tick(JITTER_MS)
    }
  }
  const running = tickSeconds === null ? undefined : run(tickSeconds * 1000).catch(unlessEnding)

  return {
    tick: () => tick(0),
    stop: async () => {
      ending.abort()
      await running
      await Promise.all(underWay)
      poster.close()
    },
  }
}

/** When the events of one tick are sent, in milliseconds from now: none, one or two. */
function delaysOf(
  { double = 0, drop = 0, delayMs: [min, max] = [0, 0] }: TickFaults,
  jitterMs: number,
  random: () => number,
) {
  const dropped = random() < drop
  const copies = random() < double ? 2 : 1
  return dropped ? [] : Array.from({ length: copies }, () => random() * jitterMs + min + random() * (max - min))
}

/** One event with its retries; they bear the same id and time. */
async function deliver(options: TickerOptions, poster: Poster, signal: AbortSignal): Promise<TickOutcome> {
  const { sink, data = {}, retryPausesMs = RETRY_PAUSES_MS } = options
  const id = randomUUID()
  const headers = headersOf(id, options)
  for (let attempts = 1; ; attempts += 1) {
    const status = await poster.post(sink, headers, JSON.stringify(data), signal).then(
      (answer) => answer.status,
      () => null,
    )
    signal.throwIfAborted()
    const pause = retryPausesMs[attempts - 1]
    if (pause === undefined || (status !== null && !RETRIED.has(status))) return { id, status, attempts }
    await delay(pause, undefined, { signal })
  }
}

const headersOf = (id: string, { namespace, name = 'status-loop', extensions = {} }: TickerOptions) => ({
  'ce-specversion': '1.0',
  'ce-type': 'dev.knative.sources.ping',
  'ce-source': `/apis/v1/namespaces/${namespace}/pingsources/${name}`,
  'ce-id': id,
  'ce-time': new Date().toISOString(),
  ...Object.fromEntries(Object.entries(extensions).map(([extension, value]) => [`ce-${extension}`, value])),
  'content-type': 'application/json',
})
