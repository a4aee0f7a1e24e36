/**
 * Checks a stream of bytes for JSON (RFC 8259) in constant memory, without building values. Accepts values that a parser would
 * change, such as long numbers.
 */
import type { Bytes } from '../platform/ports.ts'

/** Deeper texts are valid, but clients cannot parse them. */
const MAX_DEPTH = 10_000

/** The state after a character; undefined if the text is not JSON. */
type State = (char: string) => State | undefined

const isSpace = (char: string): boolean => char === ' ' || char === '\n' || char === '\r' || char === '\t'
const isDigit = (char: string): boolean => char >= '0' && char <= '9'
const isHex = (char: string): boolean => /^[0-9a-f]$/i.test(char)

const WORDS: Readonly<Record<string, string>> = { t: 'rue', f: 'alse', n: 'ull' }

/** A string after its opening quote. */
function textThen(then: State): State {
  const inText: State = (char) => {
    if (char === '"') return then
    if (char === '\\') return escaped
    return char < ' ' ? undefined : inText
  }
  const hex =
    (left: number): State =>
    (char) =>
      isHex(char) ? (left === 1 ? inText : hex(left - 1)) : undefined
  const fourDigits = hex(4)
  const escaped: State = (char) => (char === 'u' ? fourDigits : '"\\/bfnrt'.includes(char) ? inText : undefined)
  return inText
}

/** What may begin a number, and the states that follow. It ends with the first character that is none of it. */
function numberThen(then: State): State {
  const exponent: State = (char) => (isDigit(char) ? exponent : then(char))
  const firstOfExponent: State = (char) => (isDigit(char) ? exponent : undefined)
  const signOfExponent: State = (char) => (char === '+' || char === '-' ? firstOfExponent : firstOfExponent(char))
  const afterFraction: State = (char) => (char === 'e' || char === 'E' ? signOfExponent : then(char))
  const fraction: State = (char) => (isDigit(char) ? fraction : afterFraction(char))
  const firstOfFraction: State = (char) => (isDigit(char) ? fraction : undefined)
  const afterWhole: State = (char) => (char === '.' ? firstOfFraction : afterFraction(char))
  const whole: State = (char) => (isDigit(char) ? whole : afterWhole(char))
  const first: State = (char) => (char === '0' ? afterWhole : isDigit(char) ? whole : undefined)
  return (char) => (char === '-' ? first : first(char))
}

function createCheck() {
  /** Closing brackets of the open arrays and objects. */
  const open: string[] = []

  const after: State = (char) => {
    if (isSpace(char)) return after
    if (char === open.at(-1)) return close()
    if (char !== ',') return undefined
    return open.at(-1) === ']' ? value : open.length > 0 ? key : undefined
  }
  const close = (): State => {
    open.pop()
    return after
  }
  const enter = (end: string, then: State): State | undefined => (open.push(end) > MAX_DEPTH ? undefined : then)

  const number = numberThen(after)
  const text = textThen(after)
  const word =
    (rest: string): State =>
    (char) =>
      char === rest[0] ? (rest.length === 1 ? after : word(rest.slice(1))) : undefined

  const value: State = (char) => {
    if (isSpace(char)) return value
    if (char === '{') return enter('}', firstKey)
    if (char === '[') return enter(']', firstValue)
    if (char === '"') return text
    const rest = WORDS[char]
    return rest === undefined ? number(char) : word(rest)
  }
  const firstValue: State = (char) => (isSpace(char) ? firstValue : char === ']' ? close() : value(char))
  const colon: State = (char) => (isSpace(char) ? colon : char === ':' ? value : undefined)
  const keyText = textThen(colon)
  const key: State = (char) => (isSpace(char) ? key : char === '"' ? keyText : undefined)
  const firstKey: State = (char) => (isSpace(char) ? firstKey : char === '}' ? close() : key(char))

  let state: State | undefined = value
  return {
    /** False if no continuation is JSON. */
    push(chars: string): boolean {
      for (let at = 0; state && at < chars.length; at += 1) state = state(chars.charAt(at))
      return state !== undefined
    },
    /** A space ends a number and changes nothing else. */
    end: (): boolean => state?.(' ') === after && open.length === 0,
  }
}

/** True if the bytes are one JSON text in UTF-8. Reads up to the first byte that is not. */
export async function isJson(bytes: Bytes): Promise<boolean> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const check = createCheck()
  const decoded = (piece?: Uint8Array): string | undefined => {
    try {
      return piece ? decoder.decode(piece, { stream: true }) : decoder.decode()
    } catch {
      return undefined
    }
  }
  for await (const piece of bytes) {
    const chars = decoded(piece)
    if (chars === undefined || !check.push(chars)) return false
  }
  const rest = decoded()
  return rest !== undefined && check.push(rest) && check.end()
}
