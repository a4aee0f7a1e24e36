/** A line that is longer than is kept: its middle is left out, since the end of a traceback says the most. Pure. */

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** The text itself within the limit; otherwise its start and its end, with a note between them that says how much is missing. */
export function shortened(text: string, maxBytes: number): string {
  // No character has more than three bytes per unit of UTF-16.
  if (text.length * 3 <= maxBytes) return text
  const bytes = encoder.encode(text)
  if (bytes.length <= maxBytes) return text
  const head = decoder.decode(bytes.subarray(0, boundary(bytes, Math.floor(maxBytes / 2))))
  const tail = decoder.decode(bytes.subarray(boundary(bytes, bytes.length - Math.floor(maxBytes / 4))))
  const missing = bytes.length - encoder.encode(head).length - encoder.encode(tail).length
  return `${head} […${missing} bytes left out…] ${tail}`
}

/** The last position up to `at` where a character begins. */
function boundary(bytes: Uint8Array, at: number): number {
  let start = at
  while (start > 0 && ((bytes[start] ?? 0) & 0xc0) === 0x80) start -= 1
  return start
}
