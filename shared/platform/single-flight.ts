/**
 * Reads of the same thing at the same time are one: whoever asks while a reading is under way gets the next one, which begins
 * after it asked. So nobody is told less than was true at that moment, and a reading is never repeated for each of many.
 */
export function nextReading<K extends string | number, V>(read: (key: K) => Promise<V>): (key: K) => Promise<V> {
  const current = new Map<K, Promise<unknown>>()
  const next = new Map<K, Promise<V>>()

  async function begin(key: K): Promise<V> {
    await current.get(key)?.catch(() => {}) // was its callers' to hear of
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
    // Until its first step is taken, everybody who asks joins it.
    next.set(key, reading)
    return reading
  }
}
