/** The logs of the API, and how they are printed. */

export type Source = 'analysis' | 'nginx'

/** By source and id. A live analysis has one text per pod, an ended one has one per run. */
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

/** The heading that `tail` prints above each of several files. */
export const heading = (source: Source, more = ''): string => `==> ${TITLES[source]}${more} <==\n`

export const withNewline = (text: string): string => (text === '' || text.endsWith('\n') ? text : `${text}\n`)

/** `, 1 of 2`; empty for the only text of its source. */
function numberOf(texts: readonly LogText[], one: LogText): string {
  const alike = texts.filter(({ source }) => source === one.source)
  return alike.length > 1 ? `, ${alike.indexOf(one) + 1} of ${alike.length}` : ''
}

export function asText(texts: readonly LogText[]): string {
  const [only, ...more] = texts
  if (only && more.length === 0) return withNewline(only.text)
  return texts.map((one) => `${heading(one.source, numberOf(texts, one))}${withNewline(one.text)}`).join('\n')
}
