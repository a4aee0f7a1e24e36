/**
 * Texts of any length, in pieces: the answers of `history` and `logs`. They are read on demand, with one piece in memory at a
 * time. Pure.
 */

export type Text = AsyncIterable<string>

/** Texts by analysis, in order. The texts of an entry must be read before the next entry. */
export type TextsByKey = AsyncIterable<readonly [key: string, texts: AsyncIterable<Text>]>

export type Logs = Readonly<Record<'analysis' | 'nginx', TextsByKey>>

const MARKER = 'POLOG'

/** The line that replaces what is not stored. */
export const leftOutBytes = (bytes: number): string => `${MARKER}: ${bytes} bytes of this log left out\n`
export const leftOutLines = (count: number, bytes: number): string =>
  `${MARKER}: ${count} log line${count === 1 ? '' : 's'} (${bytes} bytes) left out\n`

/** A text after a note on the bytes that are missing before it. */
export async function* noted(text: Iterable<string>, leftOut: number): Text {
  if (leftOut > 0) yield leftOutBytes(leftOut)
  yield* text
}

export async function* entry(
  key: string,
  texts: AsyncGenerator<Text>,
): AsyncGenerator<readonly [key: string, texts: AsyncIterable<Text>]> {
  try {
    const first = await texts.next()
    if (first.done) return
    yield [key, all(first.value, texts)]
  } finally {
    await texts.return(undefined)
  }
}

async function* all(first: Text, rest: AsyncIterable<Text>): AsyncGenerator<Text> {
  yield first
  yield* rest
}
