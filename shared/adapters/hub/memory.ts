/** A map that forgets what was not asked for the longest time. */

export interface Memory<K, V> {
  get(key: K): V | undefined
  set(key: K, value: V): void
  /** Forgets every key with this value. */
  forget(value: V): void
}

export function createMemory<K, V>(limit: number): Memory<K, V> {
  // A Map keeps its keys in the order of insertion: the first is the one longest unused.
  const entries = new Map<K, V>()
  const renew = (key: K, value: V): void => {
    entries.delete(key)
    entries.set(key, value)
  }
  return {
    get(key) {
      const value = entries.get(key)
      if (value !== undefined) renew(key, value)
      return value
    },
    set(key, value) {
      renew(key, value)
      for (const oldest of entries.keys()) {
        if (entries.size <= limit) break
        entries.delete(oldest)
      }
    },
    forget(value) {
      for (const [key, held] of entries) if (held === value) entries.delete(key)
    },
  }
}
