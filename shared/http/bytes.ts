/** Bytes that stream through a function: never more of them in memory than a few pieces, either way. */
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { Fault } from '../platform/fault.ts'
import { assertLength, type FunctionRequest, inviteBody, tooLarge, tooSlow } from './body.ts'

export type Bytes = AsyncIterable<Uint8Array>

/** How long an end that neither sends nor takes anything is waited for, and the time over which a rate is measured. */
const STALL_MS = 60_000

export interface Pace {
  /** Bytes that have to move by within `stallMs`. */
  readonly leastBytes: number
  readonly stallMs?: number
}

/** The next piece, or a fault when it does not come. */
async function inTime<T>(next: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow()), ms)
  })
  try {
    return await Promise.race([next, stalled])
  } finally {
    clearTimeout(timer)
  }
}

/** Says of each wait for a sender whether it is still fast enough. Time in which we do not ask for more does not count. */
function createPace({ leastBytes, stallMs = STALL_MS }: Pace) {
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
 * The body of a request as it comes, to be read once. It is counted, and a broken off one is a fault and never a short
 * body. Leaving it half-way leaves the connection as it is: there is an answer to be sent on it.
 */
export async function* bodyOf(request: FunctionRequest, limit: number, pace: Pace): Bytes {
  assertLength(request, limit)
  if (request.rawBody) return void (yield request.rawBody)
  inviteBody(request)
  const { stallMs = STALL_MS } = pace
  const keepPace = createPace(pace)
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>
  let size = 0
  for (;;) {
    const next = chunks.next().catch((cause: unknown) => {
      throw new Fault('bad_request', 'The request ended before its body did', { cause })
    })
    const began = performance.now()
    const { done, value } = await inTime(next, stallMs)
    if (done) return
    keepPace(performance.now() - began, value.length)
    size += value.length
    if (size > limit) throw tooLarge(limit)
    yield value
  }
}

/** @throws Fault `too_large` when there is more of it */
export async function* limited(bytes: Bytes, limit: number): Bytes {
  let size = 0
  for await (const piece of bytes) {
    size += piece.length
    if (size > limit) throw tooLarge(limit)
    yield piece
  }
}

/** Bytes that the other end has taken so far. */
const takenOf = ({ socket }: ServerResponse): number => (socket ? socket.bytesWritten - socket.writableLength : 0)

/**
 * Sends bytes as fast as they are taken, and ends the answer. Rejects when either side breaks off, or they are taken too
 * slowly; then it is cut.
 */
export async function send(bytes: Bytes, response: ServerResponse, pace: Pace): Promise<void> {
  const { leastBytes, stallMs = STALL_MS } = pace
  response.setTimeout(stallMs, () => response.destroy())
  let before = takenOf(response)
  const timer = setInterval(() => {
    const taken = takenOf(response)
    if (taken - before < leastBytes) response.destroy(tooSlow())
    before = taken
  }, stallMs)
  try {
    await pipeline(bytes, response)
  } finally {
    clearInterval(timer)
  }
  response.setTimeout(0)
}
