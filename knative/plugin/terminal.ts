/** What the operator reads. Secrets that were used are never among it, and texts of strangers steer no terminal. */

export interface Terminal {
  /** To standard output: what was asked for. */
  out(text: string): void
  /** A line to standard error: what one should know beside it. */
  note(line: string): void
  /** From now on it is masked wherever it would be said. */
  hide(secret: string): void
}

const MASK = '(token)'
/** Shorter ones are words that may stand anywhere. */
const SHORTEST = 8
/** However it got there. */
const LIKE_A_TOKEN = /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g

/** All that moves a cursor or changes a terminal is shown, not done. */
const harmless = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, (character) => {
    if (character === '\r') return ''
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  })

interface Streams {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
}

export function createTerminal({ stdout, stderr }: Streams = process): Terminal {
  const secrets = new Set<string>()
  const hidden = (text: string): string => [...secrets].reduce((sofar, secret) => sofar.replaceAll(secret, MASK), text)
  return {
    // A program that reads it gets the bytes as they were written.
    out: (text) => void stdout.write(stdout.isTTY ? harmless(hidden(text)) : hidden(text)),
    note: (line) => void stderr.write(`${harmless(hidden(line).replace(LIKE_A_TOKEN, MASK))}\n`),
    hide: (secret) => void (secret.length >= SHORTEST && secrets.add(secret)),
  }
}
