/**
 * Finds the new lines in logs that are polled. The API returns the last 10 MiB of each container's log, so a text may have
 * lost its beginning since the last poll, and containers come and go. An incomplete line is returned once it is complete.
 */
import type { LogText, Source } from './texts.ts'

/** Characters that identify a position in a log. */
const TAIL = 4096

/** The position up to which a text was returned. */
interface Cursor {
  readonly source: Source
  /** Characters of the text up to the position. */
  readonly length: number
  readonly tail: string
  readonly round: number
}

interface Reader {
  /** New lines, in the order of the texts. */
  read(texts: readonly LogText[]): readonly LogText[]
  /**
   * The rest from the history of an ended analysis, incomplete lines included: of each source the rest of the run that was
   * read last and all later runs, or the last run if none was read. Undefined if the history does not yet contain the run
   * that was read last.
   */
  finish(history: readonly LogText[]): readonly LogText[] | undefined
}

/** The position in the text after what was returned of it; undefined if the cursor belongs to another text. */
function endOf({ length, tail }: Cursor, text: string): number | undefined {
  if (text.slice(length - tail.length, length) === tail) return length
  if (tail.length < TAIL) return undefined
  const at = text.lastIndexOf(tail)
  return at < 0 ? undefined : at + tail.length
}

interface Match {
  readonly index: number
  readonly end: number
}

/** Runs of one program may write the same text: the cursor that was used last wins. */
function matchOf(cursors: readonly Cursor[], round: number, { source, text }: LogText): Match | undefined {
  const matches = cursors.flatMap((cursor, index) => {
    const end = cursor.source === source && cursor.round < round ? endOf(cursor, text) : undefined
    return end === undefined ? [] : [{ index, end, round: cursor.round }]
  })
  return matches.sort((a, b) => b.round - a.round || b.end - a.end)[0]
}

export function createReader(): Reader {
  const cursors: Cursor[] = []
  let round = 0

  function newLines({ source, text }: LogText): LogText {
    const match = matchOf(cursors, round, { source, text })
    const from = match?.end ?? 0
    const length = Math.max(text.lastIndexOf('\n') + 1, from)
    const cursor = { source, length, tail: text.slice(Math.max(0, length - TAIL), length), round }
    if (match) cursors[match.index] = cursor
    else cursors.push(cursor)
    return { source, text: text.slice(from, length) }
  }

  function restOf(source: Source, texts: readonly LogText[]): readonly LogText[] | undefined {
    const newest = cursors.filter((cursor) => cursor.source === source).sort((a, b) => b.round - a.round)[0]
    if (!newest) return texts.slice(-1)
    const at = texts.findLastIndex(({ text }) => endOf(newest, text) !== undefined)
    return at < 0
      ? undefined
      : texts.slice(at).map(({ text }, later) => ({ source, text: later ? text : text.slice(endOf(newest, text)) }))
  }

  return {
    read(texts) {
      round += 1
      return texts.map(newLines).filter(({ text }) => text !== '')
    },
    finish(history) {
      const sources = new Set([...cursors, ...history].map(({ source }) => source))
      const rests = [...sources].map((source) =>
        restOf(
          source,
          history.filter((one) => one.source === source),
        ),
      )
      const all = rests.filter((rest) => rest !== undefined)
      return all.length < rests.length ? undefined : all.flat().filter(({ text }) => text !== '')
    },
  }
}
