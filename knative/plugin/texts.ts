/** Logs as the API gives them, and as people read them. */

export type Source = 'analysis' | 'nginx'

/** Per source the texts of each id: of live analyses one per pod, of ended ones one per run. */
export type LogTexts = Readonly<Record<Source, Readonly<Record<string, readonly string[]>>>>

export interface LogText {
  readonly source: Source
  readonly text: string
}

const SOURCES = ['analysis', 'nginx'] as const satisfies readonly Source[]

const TITLES: Readonly<Record<Source, string>> = { analysis: 'analysis', nginx: 'egress proxy' }

export const textsOf = (logs: LogTexts): readonly LogText[] =>
  SOURCES.flatMap((source) =>
    Object.values(logs[source] ?? {})
      .flat()
      .map((text) => ({ source, text })),
  )

/** As `tail` writes above each of several files. */
export const heading = (source: Source, more = ''): string => `==> ${TITLES[source]}${more} <==\n`

export const ended = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`)

/** Which of several texts of its source it is; nothing when it is the only one. */
function numberOf(texts: readonly LogText[], one: LogText): string {
  const alike = texts.filter(({ source }) => source === one.source)
  return alike.length > 1 ? `, ${alike.indexOf(one) + 1} of ${alike.length}` : ''
}

export function asText(texts: readonly LogText[]): string {
  const [only, ...more] = texts
  if (only && more.length === 0) return ended(only.text)
  return texts.map((one) => `${heading(one.source, numberOf(texts, one))}${ended(one.text)}`).join('\n')
}
