/** Work on many items at the same time, but not on all of them: Kubernetes and the database are shared with others. */

/** At most `count` holders at a time, in the order of their coming; each gives its permit back by the function it gets. */
export function permits(count: number): () => Promise<() => void> {
  let free = count
  const waiting: (() => void)[] = []
  const release = () => {
    const next = waiting.shift()
    if (next) next()
    else free += 1
  }
  return async () => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    return release
  }
}

/** Begins work that it is given in its order, at most `limit` at a time. */
export function limited(limit: number): <R>(work: () => Promise<R>) => Promise<R> {
  const acquire = permits(limit)
  return async (work) => {
    const release = await acquire()
    try {
      return await work()
    } finally {
      release()
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
