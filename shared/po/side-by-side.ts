/** Work on many items at the same time, but not on all of them: Kubernetes and the database are shared with others. */

/** Runs `act` on each item, at most `limit` at a time; every item is done, whatever fails. Results in the items' order. */
export async function sideBySide<T, R>(
  items: readonly T[],
  limit: number,
  act: (item: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const results = new Array<PromiseSettledResult<R>>(items.length)
  const queue = items.entries()
  const worker = async () => {
    for (const [index, item] of queue) [results[index]] = await Promise.allSettled([act(item)])
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  return results
}
