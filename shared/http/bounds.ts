/**
 * Limits of the resources that one process of a function uses for its callers at a time. A request beyond them is refused with 503 and
 * `Retry-After`: a process that runs out of memory loses the requests of all callers.
 */
import { Fault } from '../platform/fault.ts'
import type { Config } from '../settings/config.ts'
import type { EDGE_SETTINGS } from '../settings/http.ts'

/** The share of one request. */
export interface Share {
  /** @throws Fault `unavailable` when the amount does not fit; nothing is added then */
  add(amount: number): void
  /** Returns all of it. Idempotent. */
  release(): void
}

/** @param full message of a refusal */
function createBound(limit: number, full: string, retryAfter: number): () => Share {
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
  /** Bytes of bodies that are held in memory, from their first byte until their request is answered. */
  readonly bodies: () => Share
  /** Files that are being received or sent. */
  readonly transfers: () => Share
  /** Deadline for a body that is held in memory to arrive. */
  readonly bodyMs: number
  /** Bytes of a file that must be received or sent each minute. */
  readonly transferBytes: number
}

export type BoundSettings = Pick<Config, keyof typeof EDGE_SETTINGS>

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
