/** Shortens a line that is too long. It leaves out the middle, because the end of a traceback says the most. Pure. */

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export function shortened(text: string, maxBytes: number): string {
  // A UTF-16 unit takes at most three bytes in UTF-8.
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
