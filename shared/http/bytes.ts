/** Bytes that stream through a function: never more of them in memory than a few pieces, either way. */
import type { ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { Fault } from '../fault.ts'
import { announcedLength, type FunctionRequest } from './body.ts'

export type Bytes = AsyncIterable<Uint8Array>

/** An end that neither sends nor takes anything for so long is not waited for any more. */
const STALL_MS = 60_000

const tooLarge = (limit: number) => new Fault('too_large', `Body is larger than ${limit} bytes`)

/** @throws Fault `too_large` when the request announces more than that */
export function assertLength(request: FunctionRequest, limit: number): void {
  if (Math.max(announcedLength(request), request.rawBody?.length ?? 0) > limit) throw tooLarge(limit)
}

/** The next piece, or a fault when it does not come. */
async function inTime<T>(next: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const stalled = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Fault('too_slow', 'The request took too long to arrive')), ms)
  })
  try {
    return await Promise.race([next, stalled])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * The body of a request as it comes, to be read once. It is counted, and a broken off one is a fault and never a short
 * body. Leaving it half-way leaves the connection as it is: there is an answer to be sent on it.
 */
export async function* bodyOf(request: FunctionRequest, limit: number, stallMs = STALL_MS): Bytes {
  assertLength(request, limit)
  if (request.rawBody) return void (yield request.rawBody)
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterableIterator<Buffer>
  let size = 0
  for (;;) {
    const next = chunks.next().catch((cause: unknown) => {
      throw new Fault('bad_request', 'The request ended before its body did', { cause })
    })
    const { done, value } = await inTime(next, stallMs)
    if (done) return
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

/** Sends bytes as fast as they are taken, and ends the answer. Rejects when either side breaks off; then it is cut. */
export async function send(bytes: Bytes, response: ServerResponse, stallMs = STALL_MS): Promise<void> {
  response.setTimeout(stallMs, () => response.destroy())
  await pipeline(bytes, response)
  response.setTimeout(0)
}
