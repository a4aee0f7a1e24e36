/** Makes ids as the clients of the digital-twin API know them. Pure: clock and randomness come in. */
import type { ObjectId } from './model.ts'

const TIME_DIGITS = 8
const RANDOM_DIGITS = 16

/** @param random 8 bytes at least */
export function objectIdOf(now: Date, random: Uint8Array): ObjectId {
  const seconds = Math.trunc(now.getTime() / 1000) % 2 ** 32
  const digits = Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')
  if (digits.length < RANDOM_DIGITS) throw new TypeError('an id takes 8 random bytes')
  return `${seconds.toString(16).padStart(TIME_DIGITS, '0')}${digits.slice(0, RANDOM_DIGITS)}` as ObjectId
}
