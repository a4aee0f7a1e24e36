/**
 * What is new in texts that are read again and again. The API gives the last 10 MiB of each container's log, so a text may
 * have lost its beginning since; and containers come and go. Lines are given out whole: the rest of one waits.
 */
import type { LogText, Source } from './texts.ts'

/** Enough to know a place in a log by. */
const TAIL = 4096

interface Known {
  readonly source: Source
  /** Of what was given out. */
  readonly length: number
  readonly tail: string
  readonly round: number
}

interface Reader {
  /** New lines, in the order of the texts. */
  read(texts: readonly LogText[]): readonly LogText[]
  /**
   * What the history of an ended analysis has more, half lines too: the rest of what was read last, and the runs after it.
   * Of what was never read, the last run. Undefined when the history does not have yet what was read last.
   */
  finish(history: readonly LogText[]): readonly LogText[] | undefined
}

/** Where in the text what was given out of it ends; undefined when it is another one. */
function endOf({ length, tail }: Known, text: string): number | undefined {
  if (text.slice(length - tail.length, length) === tail) return length
  if (tail.length < TAIL) return undefined
  const at = text.lastIndexOf(tail)
  return at < 0 ? undefined : at + tail.length
}

interface Place {
  readonly index: number
  readonly end: number
}

/** Runs of one program may write the same: the text that was read last goes before. */
function placeOf(known: readonly Known[], round: number, { source, text }: LogText): Place | undefined {
  const places = known.flatMap((one, index) => {
    const end = one.source === source && one.round < round ? endOf(one, text) : undefined
    return end === undefined ? [] : [{ index, end, round: one.round }]
  })
  return places.sort((a, b) => b.round - a.round || b.end - a.end)[0]
}

export function createReader(): Reader {
  const known: Known[] = []
  let round = 0

  function lines(one: LogText): LogText {
    const place = placeOf(known, round, one)
    const until = one.text.lastIndexOf('\n') + 1
    const [from, length] = [place?.end ?? 0, Math.max(until, place?.end ?? 0)]
    const now = { source: one.source, length, tail: one.text.slice(Math.max(0, length - TAIL), length), round }
    if (place) known[place.index] = now
    else known.push(now)
    return { source: one.source, text: one.text.slice(from, length) }
  }

  function remains(source: Source, texts: readonly LogText[]): readonly LogText[] | undefined {
    const newest = known.filter((one) => one.source === source).sort((a, b) => b.round - a.round)[0]
    if (!newest) return texts.slice(-1)
    const at = texts.findLastIndex(({ text }) => endOf(newest, text) !== undefined)
    return at < 0
      ? undefined
      : texts.slice(at).map(({ text }, later) => ({ source, text: later ? text : text.slice(endOf(newest, text)) }))
  }

  return {
    read(texts) {
      round += 1
      return texts.map(lines).filter(({ text }) => text !== '')
    },
    finish(history) {
      const sources = new Set([...known, ...history].map(({ source }) => source))
      const rests = [...sources].map((source) =>
        remains(
          source,
          history.filter((one) => one.source === source),
        ),
      )
      const all = rests.filter((rest) => rest !== undefined)
      return all.length < rests.length ? undefined : all.flat().filter(({ text }) => text !== '')
    },
  }
}
