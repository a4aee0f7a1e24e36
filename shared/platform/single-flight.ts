/**
 * Concurrent reads of one key share a result. A call that comes during a read waits for the next read, which starts after the
 * call: no caller gets a result older than its call, and any number of concurrent calls costs at most two reads.
 */
export function singleFlight<K extends string | number, V>(read: (key: K) => Promise<V>): (key: K) => Promise<V> {
  const current = new Map<K, Promise<unknown>>()
  const next = new Map<K, Promise<V>>()

  async function begin(key: K): Promise<V> {
    await current.get(key)?.catch(() => {}) // reported to its own callers
    next.delete(key)
    const reading = read(key)
    current.set(key, reading)
    try {
      return await reading
    } finally {
      if (current.get(key) === reading) current.delete(key)
    }
  }

  return (key) => {
    const known = next.get(key)
    if (known !== undefined) return known
    const reading = begin(key)
    // Calls join it until it starts to read.
    next.set(key, reading)
    return reading
  }
}
