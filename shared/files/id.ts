/** Makes ids as the clients of the digital-twin API know them. Pure: clock and randomness come in. */

/** 8 hexadecimal digits of seconds, then 16 of the random bytes. @param parse brands the text */
export function objectIdOf<Id>(parse: (text: string) => Id | undefined, now: Date, random: Uint8Array): Id {
  const seconds = Math.trunc(now.getTime() / 1000) % 2 ** 32
  const digits = Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const id = parse(`${seconds.toString(16).padStart(8, '0')}${digits.slice(0, 16)}`)
  if (id === undefined) throw new TypeError('an id takes 8 random bytes')
  return id
}
