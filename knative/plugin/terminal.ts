/** Output to the operator. It masks secrets and escapes control characters, so that logs cannot control the terminal. */

export interface Terminal {
  out(text: string): void
  note(line: string): void
  /** Masks the secret in all later output. */
  hide(secret: string): void
}

const MASK = '(token)'
/** Shorter secrets would mask parts of ordinary words. */
const MIN_SECRET_LENGTH = 8
/** A JWT is masked even if it was not registered. */
const JWT = /\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*/g

const escapeControls = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it replaces
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
  const masked = (text: string): string =>
    [...secrets].reduce((result, secret) => result.replaceAll(secret, MASK), text)
  return {
    // A pipe or file gets the text unescaped.
    out: (text) => void stdout.write(stdout.isTTY ? escapeControls(masked(text)) : masked(text)),
    note: (line) => void stderr.write(`${escapeControls(masked(line).replace(JWT, MASK))}\n`),
    hide: (secret) => void (secret.length >= MIN_SECRET_LENGTH && secrets.add(secret)),
  }
}
