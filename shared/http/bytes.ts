/** Bytes that stream through a function: only a few pieces of them are in memory at a time. */
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { withTimeout } from '../platform/concurrency.ts'
import { Fault } from '../platform/fault.ts'
import type { Bytes } from '../platform/ports.ts'
import { assertLength, type FunctionRequest, sendContinue, tooLarge, tooSlow } from './body.ts'

/** Idle timeout of a transfer, and the interval over which its rate is measured. */
const STALL_MS = 60_000

export interface Pace {
  /** Bytes that must be transferred within `stallMs`. */
  readonly leastBytes: number
  readonly stallMs?: number
}

/** Checks the rate of a sender. Only the time spent waiting for it counts. */
function createRateCheck({ leastBytes, stallMs = STALL_MS }: Pace) {
  let waitedMs = 0
  let bytes = 0
  return (ms: number, length: number): void => {
    waitedMs += ms
    bytes += length
    if (waitedMs < stallMs) return
    if (bytes < leastBytes) throw tooSlow()
    waitedMs = 0
    bytes = 0
  }
}

/**
 * The body of a request as it arrives, to be read once. Its bytes are counted, and a body that breaks off is a fault, never
 * a short body. A consumer that stops early leaves the connection open for the answer.
 */
export async function* bodyOf(request: FunctionRequest, limit: number, pace: Pace): Bytes {
  assertLength(request, limit)
  if (request.rawBody) return void (yield request.rawBody)
  sendContinue(request)
  const { stallMs = STALL_MS } = pace
  const checkRate = createRateCheck(pace)
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>
  let size = 0
  for (;;) {
    const next = chunks.next().catch((cause: unknown) => {
      throw new Fault('bad_request', 'The request ended before its body did', { cause })
    })
    const began = performance.now()
    const { done, value } = await withTimeout(stallMs, next, tooSlow)
    if (done) return
    checkRate(performance.now() - began, value.length)
    size += value.length
    if (size > limit) throw tooLarge(limit)
    yield value
  }
}

/** The same bytes. @throws Fault `too_large` beyond the limit */
export async function* limitBytes(bytes: Bytes, limit: number): Bytes {
  let size = 0
  for await (const piece of bytes) {
    size += piece.length
    if (size > limit) throw tooLarge(limit)
    yield piece
  }
}

/** Bytes that the other end has received so far. */
const receivedBy = ({ socket }: ServerResponse): number => (socket ? socket.bytesWritten - socket.writableLength : 0)

/**
 * Sends bytes as fast as the caller receives them, and ends the answer. Rejects when either side breaks off; a caller that
 * receives too slowly is disconnected.
 */
export async function send(bytes: Bytes, response: ServerResponse, pace: Pace): Promise<void> {
  const { leastBytes, stallMs = STALL_MS } = pace
  response.setTimeout(stallMs, () => response.destroy())
  let before = receivedBy(response)
  const timer = setInterval(() => {
    const received = receivedBy(response)
    if (received - before < leastBytes) response.destroy(tooSlow())
    before = received
  }, stallMs)
  try {
    await pipeline(bytes, response)
  } finally {
    clearInterval(timer)
  }
  response.setTimeout(0)
}
