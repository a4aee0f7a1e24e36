/** Retries transient errors and notes only the first one. */
import { setTimeout as delay } from 'node:timers/promises'
import { CommandError } from './errors.ts'
import type { Terminal } from './terminal.ts'

/** Exceeds a rollout of the gateway. */
const RETRY_MS = 60_000
const PAUSE_MS = 2000

export type Retry = <T>(work: () => Promise<T>) => Promise<T>

/** @returns a function that repeats `work` until it succeeds; it throws an error that is permanent or lasts for a minute */
export function createRetry({ note }: Terminal): Retry {
  let lastSuccess = Date.now()
  let isNoted = false

  async function pauseOrThrow(error: unknown): Promise<void> {
    const isRetried = error instanceof CommandError && error.transient && Date.now() - lastSuccess < RETRY_MS
    if (!isRetried) throw error
    if (!isNoted) note(`${error.message}; trying again for ${RETRY_MS / 1000} s`)
    isNoted = true
    await delay(PAUSE_MS)
  }

  return async (work) => {
    for (;;) {
      try {
        const answer = await work()
        lastSuccess = Date.now()
        isNoted = false
        return answer
      } catch (error) {
        await pauseOrThrow(error)
      }
    }
  }
}
