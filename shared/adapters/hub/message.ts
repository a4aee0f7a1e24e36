/** Fits log lines into the limits of the Hub. Pure. */

const SHORTEST = 3
const LONGEST = 2048
const LONGEST_WORD = 64

/**
 * A message that the Hub accepts: dots are appended to one that is too short, and a note replaces the middle of one that is
 * too long, because the last line of a traceback says the most. Never splits a character.
 */
export function fitMessage(message: string): string {
  const text = message.toWellFormed()
  if (text.length > LONGEST) return shorten(text)
  return text + '.'.repeat(Math.max(0, SHORTEST - [...text].length))
}

function shorten(text: string): string {
  const note = ` […${text.length - LONGEST} characters or more left out…] `
  const room = LONGEST - note.length
  const head = text.slice(0, Math.ceil(room / 2)).replace(/[\uD800-\uDBFF]$/, '')
  const tail = text.slice(text.length - Math.floor(room / 2)).replace(/^[\uDC00-\uDFFF]/, '')
  return head + note + tail
}

/** A status that the Hub accepts; null for one that is too short. */
export const fitWord = (word: string | null): string | null =>
  word === null || word.length < SHORTEST
    ? null
    : word
        .toWellFormed()
        .slice(0, LONGEST_WORD)
        .replace(/[\uD800-\uDBFF]$/, '')
