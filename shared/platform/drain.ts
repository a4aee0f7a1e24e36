/**
 * Drains a durable queue, many items at a time: an item that is done makes room for the next, so a slow one delays no other.
 * The number of concurrent items doubles with each success: an unavailable receiver gets a few requests, not a thousand.
 */

export interface Queue<Item> {
  /** Up to `limit` items that are due and unclaimed; of ordered items only the first. */
  readonly claim: (limit: number) => Promise<readonly Item[]>
  /** Sends an item, and settles it (true) or postpones it (false). */
  readonly send: (item: Item) => Promise<boolean>
  /** Items that are sent alone: if one ends the process, it interrupts no other. */
  readonly isAlone?: (item: Item) => boolean
}

export interface Drained {
  readonly settled: number
  /** Postponed, since the receiver was unavailable. */
  readonly putOff: number
}

const WIDEST = 128
const NARROWEST = 8

/**
 * Sends until nothing is due, the receiver seems unavailable, or `deadline` has passed.
 * @throws the first error of `claim` or `send`, after all running sends have ended
 */
export async function drain<Item>(queue: Queue<Item>, now: () => Date, deadline: Date): Promise<Drained> {
  let width = NARROWEST
  let settled = 0
  let putOff = 0
  const faults: unknown[] = []
  const running = new Set<Promise<void>>()
  let oneEnded = Promise.withResolvers<void>()

  const claim = async (limit: number): Promise<readonly Item[]> => {
    try {
      return limit > 0 ? await queue.claim(limit) : []
    } catch (error) {
      faults.push(error)
      return []
    }
  }
  const send = async (item: Item) => {
    try {
      if (await queue.send(item)) {
        settled += 1
        width = Math.min(WIDEST, width * 2)
      } else putOff += 1
    } catch (error) {
      faults.push(error)
    }
  }
  const start = (item: Item) => {
    const sending = send(item).finally(() => {
      running.delete(sending)
      oneEnded.resolve()
    })
    running.add(sending)
  }
  const shouldContinue = () => faults.length === 0 && now() < deadline && (settled > 0 || putOff < NARROWEST)

  const sendAlone = async (items: readonly Item[]) => {
    if (items.length > 0) await Promise.all(running)
    for (const item of items) await send(item)
  }

  while (shouldContinue()) {
    oneEnded = Promise.withResolvers<void>()
    const items = await claim(width - running.size)
    const alone = items.filter((item) => queue.isAlone?.(item) === true)
    for (const item of items) if (!alone.includes(item)) start(item)
    await sendAlone(alone)
    if (running.size === 0 && items.length === 0) break
    if (running.size > 0) await oneEnded.promise
  }
  await Promise.all(running)
  if (faults.length > 0) throw faults[0]
  return { settled, putOff }
}
