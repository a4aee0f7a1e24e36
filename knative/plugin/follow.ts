/**
 * `kn po logs ID --follow`: the API is asked again and again until the analysis has ended; then comes what its history has
 * more. A restart goes on with the next run, and a way that breaks off is waited for.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { OUTCOMES } from '../../shared/po/model.ts'
import { createReader } from './reader.ts'
import { createRetry } from './retry.ts'
import { type Statuses, unknownAnalysis } from './status.ts'
import { ended, heading, type LogText, type LogTexts, type Source, textsOf } from './texts.ts'
import { idOf, type VerbContext } from './work.ts'

const LOOK_MS = 2000
/** How long the logs of an ended analysis may take into its history. */
const HISTORY_MS = 30_000

const isOver = (word: string | undefined): boolean =>
  word === undefined || (OUTCOMES as readonly string[]).includes(word)

function createPrinter({ input, terminal }: VerbContext) {
  let last: Source | undefined
  const json = ({ source, text }: LogText) => {
    for (const line of text.replace(/\n$/, '').split('\n')) terminal.out(`${JSON.stringify({ source, line })}\n`)
  }
  const plain = ({ source, text }: LogText) => {
    if (source !== last) terminal.out(`${last ? '\n' : ''}${heading(source)}`)
    last = source
    terminal.out(ended(text))
  }
  return (texts: readonly LogText[]) => texts.forEach(input.json ? json : plain)
}

export async function follow(work: VerbContext): Promise<void> {
  const { input, api, terminal } = work
  const id = idOf(input)
  const reader = createReader()
  const print = createPrinter(work)
  const retry = createRetry(terminal)

  /** Prints what is new. The state comes first: what is written after it is read, too. */
  async function look(): Promise<string | undefined> {
    const statuses = await retry(() => api.get<Statuses>(`/po/status/${id}`))
    print(reader.read(textsOf(await retry(() => api.get<LogTexts>(`/po/logs/${id}`)))))
    return Object.values(statuses)[0]?.status
  }

  /** @returns false when the history has nothing that goes on from what was read */
  async function readHistory(): Promise<boolean> {
    const texts = textsOf(await retry(() => api.get<LogTexts>(`/po/history/${id}`)))
    const rest = texts.length > 0 ? reader.finish(texts) : undefined
    print(rest ?? [])
    return rest !== undefined
  }

  let word = await look()
  const wasOver = isOver(word)
  while (!isOver(word)) {
    await delay(LOOK_MS)
    word = await look()
  }
  const isWhole = await (wasOver ? readHistory() : eventually(readHistory))
  if (!isWhole && wasOver && word === undefined) throw unknownAnalysis(id)
  if (!isWhole) terminal.note(`its last lines are not kept yet; later: kn po logs ${id} --history`)
  terminal.note(`analysis ${id} has ended${word ? `: ${word}` : ''}`)
}

/** Whether it came true in time. */
async function eventually(isTrue: () => Promise<boolean>): Promise<boolean> {
  const end = Date.now() + HISTORY_MS
  for (;;) {
    if (await isTrue()) return true
    if (Date.now() > end) return false
    await delay(LOOK_MS)
  }
}
