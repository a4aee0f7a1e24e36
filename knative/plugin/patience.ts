/** Goes on over what may be over soon, and says so once. */
import { setTimeout as delay } from 'node:timers/promises'
import { Refused } from './errors.ts'
import type { Terminal } from './terminal.ts'

/** A rollout of the gateway takes no longer. */
const PATIENCE_MS = 60_000
const PAUSE_MS = 2000

export type Patiently = <T>(work: () => Promise<T>) => Promise<T>

/** @returns what does a work until it succeeds. It throws what lasts, or lasts too long. */
export function createPatience({ note }: Terminal): Patiently {
  let goodAt = Date.now()
  let isTold = false

  async function bear(error: unknown): Promise<void> {
    const mayPass = error instanceof Refused && error.passing && Date.now() - goodAt < PATIENCE_MS
    if (!mayPass) throw error
    if (!isTold) note(`${error.message}; trying again for ${PATIENCE_MS / 1000} s`)
    isTold = true
    await delay(PAUSE_MS)
  }

  return async (work) => {
    for (;;) {
      try {
        const answer = await work()
        goodAt = Date.now()
        isTold = false
        return answer
      } catch (error) {
        await bear(error)
      }
    }
  }
}
