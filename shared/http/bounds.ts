/**
 * What one process of a function holds for its callers at a time. Whoever comes beyond that is refused with 503 and a
 * time to come back: a process without memory loses the requests of all.
 */
import { Fault } from '../platform/fault.ts'

/** The share of one request. */
export interface Share {
  /** @throws Fault `unavailable` when there is no room for so much more; nothing is added then */
  add(amount: number): void
  /** Gives all of it back; again changes nothing. */
  release(): void
}

/** @param full what a refusal says */
export function createBound(limit: number, full: string, retryAfter: number): () => Share {
  let used = 0
  return () => {
    let own = 0
    return {
      add(amount) {
        if (used + amount > limit) throw new Fault('unavailable', full, { retryAfter })
        used += amount
        own += amount
      },
      release() {
        used -= own
        own = 0
      },
    }
  }
}

const RETRY_SECONDS = 2

export interface Bounds {
  /** Bytes of bodies that are read whole, from their first byte until their request is answered. */
  readonly bodies: () => Share
  /** Files on their way, in or out. */
  readonly transfers: () => Share
  /** Time for a body that is read whole to arrive. */
  readonly bodyMs: number
  /** Bytes that a file moves by in a minute at least. */
  readonly transferBytes: number
}

export interface BoundSettings {
  readonly BODY_MEMORY_MIB: number
  readonly BODY_TIMEOUT: number
  readonly TRANSFERS_MAX: number
  readonly TRANSFER_MIN_KIB: number
}

export const createBounds = (config: BoundSettings): Bounds => ({
  bodies: createBound(
    config.BODY_MEMORY_MIB * 1024 * 1024,
    `Bodies of other requests fill the ${config.BODY_MEMORY_MIB} MiB that there are for them`,
    RETRY_SECONDS,
  ),
  transfers: createBound(
    config.TRANSFERS_MAX,
    `${config.TRANSFERS_MAX} other files are on their way, which is the most at a time`,
    RETRY_SECONDS,
  ),
  bodyMs: config.BODY_TIMEOUT * 1000,
  transferBytes: config.TRANSFER_MIN_KIB * 1024,
})
