/** A map that drops the entries that were unused for the longest time. */
export function createLruCache<K, V>(limit: number) {
  // A Map keeps its keys in the order of insertion, so the first is the least recently used.
  const entries = new Map<K, V>()
  const renew = (key: K, value: V): void => {
    entries.delete(key)
    entries.set(key, value)
  }
  return {
    get(key: K): V | undefined {
      const value = entries.get(key)
      if (value !== undefined) renew(key, value)
      return value
    },
    set(key: K, value: V) {
      renew(key, value)
      for (const oldest of entries.keys()) {
        if (entries.size <= limit) break
        entries.delete(oldest)
      }
    },
    /** Deletes every key with this value. */
    deleteValue(value: V) {
      for (const [key, cached] of entries) if (cached === value) entries.delete(key)
    },
  }
}
