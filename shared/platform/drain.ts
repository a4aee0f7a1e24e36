/**
 * Takes a durable queue empty, many items at a time: what is claimed is sent, and as soon as one is done the next is
 * claimed, so that slow ones hold nobody up. Begins with a few and doubles with each success: a receiver that is away is
 * asked a few times, not a thousand.
 */

export interface Queue<Item> {
  /** Up to so many items that are due and that nobody else works on; of those that have an order only the first. */
  readonly claim: (limit: number) => Promise<readonly Item[]>
  /** Sends an item and settles it, or puts it off; true if it is settled. */
  readonly send: (item: Item) => Promise<boolean>
  /** Items that are sent while nothing else is: should one end the process, no other item suffers from it. */
  readonly isAlone?: (item: Item) => boolean
}

export interface Drained {
  /** How many items are settled. */
  readonly settled: number
  /** How many were put off, since the receiver was away. */
  readonly putOff: number
}

const WIDEST = 128
const NARROWEST = 8

/**
 * Sends until nothing is due, the receiver turns out to be away, or `deadline` has passed.
 * @throws what `claim` or `send` threw, after everything that was under way has ended
 */
export async function drain<Item>(queue: Queue<Item>, now: () => Date, deadline: Date): Promise<Drained> {
  let width = NARROWEST
  let settled = 0
  let putOff = 0
  const faults: unknown[] = []
  const underWay = new Set<Promise<void>>()
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
      underWay.delete(sending)
      oneEnded.resolve()
    })
    underWay.add(sending)
  }
  const goesOn = () => faults.length === 0 && now() < deadline && (settled > 0 || putOff < NARROWEST)

  const sendAlone = async (items: readonly Item[]) => {
    if (items.length > 0) await Promise.all(underWay)
    for (const item of items) await send(item)
  }

  while (goesOn()) {
    oneEnded = Promise.withResolvers<void>()
    const items = await claim(width - underWay.size)
    const alone = items.filter((item) => queue.isAlone?.(item) === true)
    for (const item of items) if (!alone.includes(item)) start(item)
    await sendAlone(alone)
    if (underWay.size === 0 && items.length === 0) break
    if (underWay.size > 0) await oneEnded.promise
  }
  await Promise.all(underWay)
  if (faults.length > 0) throw faults[0]
  return { settled, putOff }
}
