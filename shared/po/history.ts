/** `GET /po/history[/{id}]`: logs of ended analyses, one text per run, oldest first. */
import type { Selection } from './each.ts'
import type { AnalysisId, AnalysisKey, LogSnapshot, RunNumber } from './model.ts'
import type { EndedRef, KeptLog, KeptTexts, LineCounts } from './ports/logs.ts'
import type { PoPorts } from './ports.ts'
import { entry, type Logs, leftOutBytes, leftOutLines, type Text, type TextsByKey } from './texts.ts'

type Kind = LogSnapshot['kind']
type HistoryPorts = Pick<PoPorts, 'store'>

const PAGE = 500

async function* endedRefs({ store }: HistoryPorts, id: AnalysisId | undefined): AsyncGenerator<EndedRef> {
  for (let page = await store.ended(undefined, PAGE, id); page.length > 0; ) {
    yield* page
    page = await store.ended(page.at(-1), PAGE, id)
  }
}

/** Groups the incarnations that share a key of the answer. */
async function* groups(ports: HistoryPorts, selection: Selection): AsyncGenerator<[key: string, keys: AnalysisKey[]]> {
  let group: EndedRef[] = []
  const named = () => [selection?.spelling ?? group[0]?.spelling ?? '', group.map(({ key }) => key)] as const
  for await (const ref of endedRefs(ports, selection?.id)) {
    if (!selection && group[0] && group[0].first !== ref.first) {
      yield [...named()]
      group = []
    }
    group.push(ref)
  }
  if (group.length > 0) yield [...named()]
}

async function* logText({ store }: HistoryPorts, key: AnalysisKey, log: KeptLog): Text {
  if (log.leftOut > 0) yield leftOutBytes(log.leftOut)
  for (let n = 0; ; n += 1) {
    const piece = await store.logPiece(key, log, n)
    if (piece === undefined) return
    yield piece
  }
}

async function* lineText({ store }: HistoryPorts, key: AnalysisKey, run: RunNumber, counts: LineCounts): Text {
  if (counts.leftOut > 0) yield leftOutLines(counts.leftOut, counts.leftOutBytes)
  let page = await store.lines(key, run, undefined)
  for (let isFirst = true; page.length > 0; isFirst = false) {
    const text = page.map(({ at, level, message }) => `${at.toISOString()} ${level} ${message}`).join('\n')
    yield isFirst ? text : `\n${text}`
    page = await store.lines(key, run, page.at(-1)?.seq)
  }
}

/** The container logs of a run; if none was saved, the lines that the run streamed. */
function runTexts(
  ports: HistoryPorts,
  key: AnalysisKey,
  { logs, runs }: KeptTexts,
  run: RunNumber,
  kind: Kind,
): Text[] {
  const saved = logs.filter((log) => log.run === run && log.kind === kind)
  const lines = runs.find((one) => one.run === run)?.lines
  const hasLines = lines !== undefined && lines.count + lines.leftOut > 0
  if (saved.length === 0 && kind === 'analysis' && hasLines) return [lineText(ports, key, run, lines)]
  return saved.map((log) => logText(ports, key, log))
}

async function* textsOf(ports: HistoryPorts, keys: readonly AnalysisKey[], kind: Kind): AsyncGenerator<Text> {
  for (const key of keys) {
    const kept = await ports.store.texts(key)
    for (const { run } of kept.runs) yield* runTexts(ports, key, kept, run, kind)
  }
}

async function* byKey(ports: HistoryPorts, selection: Selection, kind: Kind): TextsByKey {
  for await (const [key, keys] of groups(ports, selection)) yield* entry(key, textsOf(ports, keys, kind))
}

export const history = (ports: HistoryPorts, selection: Selection): Logs => ({
  analysis: byKey(ports, selection, 'analysis'),
  nginx: byKey(ports, selection, 'nginx'),
})
