import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseEvent } from '../../shared/events/cloud-event.ts'
import { type Break, type Incoming, type StandIn, startStandIn } from './stand-in.ts'
import { RETRY_PAUSES_MS, startTicker, type TickerOptions, type TickOutcome } from './ticker.ts'

interface Arrival extends Incoming {
  readonly at: number
}

let sink: StandIn
let arrivals: Arrival[]
let outcomes: TickOutcome[]
/** Stopped after each test. */
let stops: (() => Promise<void>)[]

beforeEach(async () => {
  arrivals = []
  outcomes = []
  sink = await startStandIn({
    handle: (request) => {
      arrivals.push({ ...request, at: Date.now() })
      return { status: 204 }
    },
  })
  stops = [() => sink.stop()]
})
afterEach(async () => {
  for (const stop of stops.toReversed()) await stop()
})

function start(options: Partial<TickerOptions> = {}) {
  const onTick = (outcome: TickOutcome) => outcomes.push(outcome)
  const ticker = startTicker({ sink: sink.url, namespace: 'flame', tickSeconds: null, onTick, ...options })
  stops.push(ticker.stop)
  return ticker
}

/** The same numbers for the same seed, evenly spread. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const SHORT_PAUSES_MS = RETRY_PAUSES_MS.map((pause) => pause / 5)
const idOf = ({ headers }: Incoming) => headers['ce-id']
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at))

describe('a tick', () => {
  test('is the event of a PingSource in binary mode, with JSON data', async () => {
    const before = Date.now()
    await start({ data: { loop: 'po' }, extensions: { site: 'a' } }).tick()
    const [{ method, url, headers, text } = expect.unreachable()] = arrivals
    const { host, connection, 'content-length': length, ...own } = headers
    expect([method, url.pathname, text, Number(length)]).toEqual(['POST', '/', '{"loop":"po"}', text.length])
    expect(own).toEqual({
      'ce-specversion': '1.0',
      'ce-type': 'dev.knative.sources.ping',
      'ce-source': '/apis/v1/namespaces/flame/pingsources/status-loop',
      'ce-id': expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      'ce-time': expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z$/),
      'ce-site': 'a',
      'content-type': 'application/json',
    })
    expect(Date.parse(String(own['ce-time']))).toBeGreaterThanOrEqual(before)
    expect(parseEvent(headers, Buffer.from(text))).toMatchObject({ type: own['ce-type'], data: { loop: 'po' } })
  })

  test('has an id of its own, and an object for data when there is none', async () => {
    const ticker = start()
    await Promise.all(times(20, ticker.tick))
    expect(new Set(arrivals.map(idOf)).size).toBe(20)
    expect(new Set(arrivals.map(({ text }) => text))).toEqual(new Set(['{}']))
  })
})

describe('an answer', () => {
  test.each([200, 202, 204, 301, 400, 403, 409, 500, 501])('%i is final: one attempt', async (status) => {
    sink.fail(/./, { status }, 9)
    await start().tick()
    expect(sink.requests).toHaveLength(1)
    expect(outcomes).toMatchObject([{ status, attempts: 1 }])
  })

  test.each<readonly [string, Break]>([
    ...[404, 413, 425, 429, 502, 503, 504].map((status) => [String(status), { status }] as const),
    ['none at all', 'close'],
  ])('%s is tried again, with the same id and time', async (_, how) => {
    sink.fail(/./, how)
    await start().tick()
    expect(sink.requests).toHaveLength(2)
    expect(outcomes).toEqual([{ id: arrivals[0] && idOf(arrivals[0]), status: 204, attempts: 2 }])
  })

  test('is waited for 100 ms before the first retry, and twice as long before each other', () =>
    expect(RETRY_PAUSES_MS).toEqual([100, 200, 400, 800, 1600]))

  test('503 for ever ends after five retries, each pause twice as long, all with the same id and time', async () => {
    const seen: Arrival[] = []
    const away = await startStandIn({
      handle: (request) => {
        seen.push({ ...request, at: Date.now() })
        return { status: 503 }
      },
    })
    stops.push(() => away.stop())
    await start({ sink: away.url, retryPausesMs: SHORT_PAUSES_MS }).tick()
    expect(outcomes).toMatchObject([{ status: 503, attempts: 6 }])
    expect(new Set(seen.map(({ headers }) => `${headers['ce-id']} ${headers['ce-time']}`)).size).toBe(1)
    const pauses = seen.slice(1).map(({ at }, index) => at - (seen[index]?.at ?? 0))
    for (const [index, least] of SHORT_PAUSES_MS.entries()) {
      expect(pauses[index]).toBeGreaterThanOrEqual(least - 2)
      expect(pauses[index]).toBeLessThan(least * 2 + 200)
    }
  })

  test('that never comes from anybody ends so, too', async () => {
    await sink.stop()
    await start({ retryPausesMs: SHORT_PAUSES_MS }).tick()
    expect(outcomes).toMatchObject([{ status: null, attempts: 6 }])
  })
})

describe('ticks on schedule', () => {
  test('come at multiples of the interval, at most half a second late, each by chance', async () => {
    start({ tickSeconds: 1, random: seeded(1) })
    await expect.poll(() => arrivals.length, { timeout: 10_000 }).toBe(4)
    const late = arrivals.map(({ at }) => at % 1000)
    expect(new Set(arrivals.map(({ at }) => Math.floor(at / 1000))).size).toBe(4)
    expect(Math.max(...late)).toBeLessThan(900)
    expect(new Set(late).size).toBeGreaterThan(1)
  })

  test('overlap while the sink hangs, none of them is given up, and stopping ends all', async () => {
    sink.fail(/./, 'hang', 100)
    const ticker = start({ tickSeconds: 0.05 })
    await expect.poll(() => sink.requests.length, { timeout: 5000 }).toBeGreaterThan(10)
    expect(outcomes).toEqual([])
    await ticker.stop()
    const count = sink.requests.length
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(sink.requests).toHaveLength(count)
    expect(outcomes).toEqual([])
  })

  test('do not come where there is no schedule', async () => {
    start({ tickSeconds: null })
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(sink.requests).toEqual([])
  })
})

describe('faults', () => {
  const sent = async (faults: TickerOptions['faults'], seed = 7) => {
    const before = arrivals.length
    const ticker = start({ faults: faults ?? {}, random: seeded(seed) })
    const counts: number[] = []
    for (const _ of times(200, Number)) {
      const since = arrivals.length
      await ticker.tick()
      counts.push(arrivals.length - since)
    }
    const ids = arrivals.slice(before).map(idOf)
    expect(new Set(ids).size).toBe(ids.length)
    return counts
  }
  const share = (counts: number[], count: number) => counts.filter((each) => each === count).length / counts.length

  test('none: every tick once', async () => expect(await sent({})).toEqual(times(200, () => 1)))
  test('all dropped', async () => expect(await sent({ drop: 1 })).toEqual(times(200, () => 0)))
  test('all doubled, with two ids', async () => expect(await sent({ double: 1 })).toEqual(times(200, () => 2)))

  test('a share of each, the same for the same seed and another for another', async () => {
    const counts = await sent({ drop: 0.2, double: 0.3 })
    expect(share(counts, 0)).toBeGreaterThan(0.1)
    expect(share(counts, 0)).toBeLessThan(0.3)
    expect(share(counts, 2)).toBeGreaterThan(0.14)
    expect(share(counts, 2)).toBeLessThan(0.34)
    expect(await sent({ drop: 0.2, double: 0.3 })).toEqual(counts)
    expect(await sent({ drop: 0.2, double: 0.3 }, 8)).not.toEqual(counts)
  })

  test('a delay between two bounds, each tick its own', async () => {
    const ticker = start({ faults: { delayMs: [100, 400] }, random: seeded(3) })
    const began = Date.now()
    await Promise.all(times(20, ticker.tick))
    const delays = arrivals.map(({ at }) => at - began)
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(98)
    expect(Math.max(...delays)).toBeLessThan(600)
    expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(100)
  })

  test('a delay does not hold a later tick back', async () => {
    const waits = [0.9, 0.9, 0, 1, 0.9, 0.9, 0, 0]
    const ticker = start({ faults: { delayMs: [0, 300] }, random: () => waits.shift() ?? 0 })
    const first = ticker.tick()
    const second = ticker.tick()
    await second
    expect(outcomes).toHaveLength(1)
    await first
    expect(outcomes).toHaveLength(2)
  })
})
