/** Bounds of concurrency and time: Kubernetes and the database are shared with others. */

/** A semaphore of `count` permits, first come, first served. The promise resolves to the function that releases the permit. */
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

/** Starts the given work in order, at most `limit` at a time. */
export function withLimit(limit: number): <R>(work: () => Promise<R>) => Promise<R> {
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

/** Runs `act` on every item, at most `limit` at a time; a failure stops no other item. Results have the order of the items. */
export function mapConcurrent<T, R>(
  items: readonly T[],
  limit: number,
  act: (item: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const run = withLimit(limit)
  return Promise.allSettled(items.map((item) => run(() => act(item))))
}

/**
 * As `Promise.all`, but settles only after all promises have settled.
 * @throws the first failure in the order of the arguments
 */
export async function allSettledOrThrow<const T extends readonly Promise<unknown>[]>(...work: T) {
  const results = await Promise.allSettled(work)
  for (const result of results) if (result.status === 'rejected') throw result.reason
  return results.map((result) => (result.status === 'fulfilled' ? result.value : undefined)) as {
    -readonly [K in keyof T]: Awaited<T[K]>
  }
}

/** Settles as `work`, or rejects with `late()` after `ms`; `work` may still take effect then. */
export async function withTimeout<T>(ms: number, work: Promise<T>, late: () => Error): Promise<T> {
  const over = Promise.withResolvers<never>()
  const timer = setTimeout(() => over.reject(late()), ms)
  try {
    return await Promise.race([work, over.promise])
  } finally {
    clearTimeout(timer)
  }
}
