/**
 * Texts of any length, in pieces: what `history` and `logs` answer. Nothing of them is read before it is asked for, and only
 * a piece at a time is in memory. Pure.
 */

/** A text in pieces. */
export type Text = AsyncIterable<string>

/** Texts under the keys of their analyses, in order. What one entry has is to be read before the next is asked for. */
export type TextsByKey = AsyncIterable<readonly [key: string, texts: AsyncIterable<Text>]>

/** By kind of container. */
export type Logs = Readonly<Record<'analysis' | 'nginx', TextsByKey>>

const MARKER = 'POLOG'

/** The line in the place of what is not kept. */
export const leftOutBytes = (bytes: number): string => `${MARKER}: ${bytes} bytes of this log left out\n`
export const leftOutLines = (count: number, bytes: number): string =>
  `${MARKER}: ${count} log line${count === 1 ? '' : 's'} (${bytes} bytes) left out\n`

/** A text whose pieces can be had already, after what is to be said of what is missing before it. */
export async function* pieces(text: Iterable<string>, leftOut: number): Text {
  if (leftOut > 0) yield leftOutBytes(leftOut)
  yield* text
}

/** An entry, unless there is no text for it. */
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
