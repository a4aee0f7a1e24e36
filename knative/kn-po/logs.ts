/** `kn po logs ID`: the logs of a live analysis as they are now, or with `--history` those of an ended one. */
import { Refused } from './errors.ts'
import { follow } from './follow.ts'
import type { Statuses } from './status.ts'
import { unknownAnalysis } from './status.ts'
import { asJson } from './table.ts'
import { idOf, type Work } from './work.ts'

export type Source = 'analysis' | 'nginx'

/** Per source the texts of each id: of live analyses one per pod, of ended ones one per run. */
export type Logs = Readonly<Record<Source, Readonly<Record<string, readonly string[]>>>>

export interface Text {
  readonly source: Source
  readonly text: string
}

const SOURCES = ['analysis', 'nginx'] as const satisfies readonly Source[]

const TITLES: Readonly<Record<Source, string>> = { analysis: 'analysis', nginx: 'egress proxy' }

export const textsOf = (logs: Logs): readonly Text[] =>
  SOURCES.flatMap((source) =>
    Object.values(logs[source] ?? {})
      .flat()
      .map((text) => ({ source, text })),
  )

/** As `tail` writes above each of several files. */
export const heading = (source: Source, more = ''): string => `==> ${TITLES[source]}${more} <==\n`

export const ended = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`)

/** Which of several texts of its source it is; nothing when it is the only one. */
function numberOf(texts: readonly Text[], one: Text): string {
  const alike = texts.filter(({ source }) => source === one.source)
  return alike.length > 1 ? `, ${alike.indexOf(one) + 1} of ${alike.length}` : ''
}

export function asText(texts: readonly Text[]): string {
  const [only, ...more] = texts
  if (only && more.length === 0) return ended(only.text)
  return texts.map((one) => `${heading(one.source, numberOf(texts, one))}${ended(one.text)}`).join('\n')
}

/** Nothing to show may have reasons of all kinds. */
async function explainNothing({ input, api, terminal }: Work): Promise<void> {
  const id = idOf(input)
  const found = Object.values(await api.get<Statuses>(`/po/status/${id}`))[0]
  if (input.history && found) throw new Refused(`analysis ${id} has no history yet: it is ${found.status}`)
  if (input.history) throw new Refused(`there is no analysis ${id}, and none of this id has ended`)
  if (!found) throw unknownAnalysis(id)
  terminal.note(`analysis ${id} is ${found.status}; no live container has written anything`)
}

export async function logs(work: Work): Promise<void> {
  const { input, terminal, api } = work
  if (input.follow) return follow(work)
  const answer = await api.get<Logs>(`/po/${input.history ? 'history' : 'logs'}/${idOf(input)}`)
  const texts = textsOf(answer)
  if (texts.length > 0 || input.json) terminal.out(input.json ? asJson(answer) : asText(texts))
  if (texts.length === 0) await explainNothing(work)
}
