/** Work on many items at the same time, but not on all of them: Kubernetes and the database are shared with others. */

/** Begins work that it is given in its order, at most `limit` at a time. */
export function limited(limit: number): <R>(work: () => Promise<R>) => Promise<R> {
  let free = limit
  const waiting: (() => void)[] = []
  return async (work) => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}

/** Runs `act` on each item, at most `limit` at a time; every item is done, whatever fails. Results in the items' order. */
export function sideBySide<T, R>(
  items: readonly T[],
  limit: number,
  act: (item: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const run = limited(limit)
  return Promise.allSettled(items.map((item) => run(() => act(item))))
}

/**
 * Waits for all of it, whatever fails.
 * @throws the first failure in the order of the arguments
 */
export async function together<const T extends readonly Promise<unknown>[]>(...work: T) {
  const results = await Promise.allSettled(work)
  for (const result of results) if (result.status === 'rejected') throw result.reason
  return results.map((result) => (result.status === 'fulfilled' ? result.value : undefined)) as {
    -readonly [K in keyof T]: Awaited<T[K]>
  }
}
