/**
 * `kn po logs ID --follow`: polls the API until the analysis has ended, then prints the rest from its history. It continues
 * with the next run after a restart, and reconnects when the connection breaks.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { OUTCOMES } from '../../shared/po/model.ts'
import { idOf, type VerbContext } from './context.ts'
import { createReader } from './reader.ts'
import { createRetry } from './retry.ts'
import { type Statuses, unknownAnalysis } from './status.ts'
import { heading, type LogText, type LogTexts, type Source, textsOf, withNewline } from './texts.ts'

const POLL_MS = 2000
/** Time limit for the logs of an ended analysis to reach its history. */
const HISTORY_MS = 30_000

const hasEnded = (status: string | undefined): boolean =>
  status === undefined || (OUTCOMES as readonly string[]).includes(status)

function createPrinter({ input, terminal }: VerbContext) {
  let last: Source | undefined
  const json = ({ source, text }: LogText) => {
    for (const line of text.replace(/\n$/, '').split('\n')) terminal.out(`${JSON.stringify({ source, line })}\n`)
  }
  const plain = ({ source, text }: LogText) => {
    if (source !== last) terminal.out(`${last ? '\n' : ''}${heading(source)}`)
    last = source
    terminal.out(withNewline(text))
  }
  return (texts: readonly LogText[]) => texts.forEach(input.json ? json : plain)
}

export async function follow(context: VerbContext): Promise<void> {
  const { input, api, terminal } = context
  const id = idOf(input)
  const reader = createReader()
  const print = createPrinter(context)
  const retry = createRetry(terminal)

  /** Prints new lines and returns the status. The status is read first, so that no line of an ended analysis is lost. */
  async function poll(): Promise<string | undefined> {
    const statuses = await retry(() => api.get<Statuses>(`/po/status/${id}`))
    print(reader.read(textsOf(await retry(() => api.get<LogTexts>(`/po/logs/${id}`)))))
    return Object.values(statuses)[0]?.status
  }

  /** @returns false if the history does not yet contain the last lines that were printed */
  async function printHistory(): Promise<boolean> {
    const texts = textsOf(await retry(() => api.get<LogTexts>(`/po/history/${id}`)))
    const rest = texts.length > 0 ? reader.finish(texts) : undefined
    print(rest ?? [])
    return rest !== undefined
  }

  let status = await poll()
  const hadEnded = hasEnded(status)
  while (!hasEnded(status)) {
    await delay(POLL_MS)
    status = await poll()
  }
  const isComplete = await (hadEnded ? printHistory() : retryUntilTrue(printHistory))
  if (!isComplete && hadEnded && status === undefined) throw unknownAnalysis(id)
  if (!isComplete) terminal.note(`its last lines are not kept yet; later: kn po logs ${id} --history`)
  terminal.note(`analysis ${id} has ended${status ? `: ${status}` : ''}`)
}

/** @returns false after `HISTORY_MS` without success */
async function retryUntilTrue(attempt: () => Promise<boolean>): Promise<boolean> {
  const deadline = Date.now() + HISTORY_MS
  for (;;) {
    if (await attempt()) return true
    if (Date.now() > deadline) return false
    await delay(POLL_MS)
  }
}
