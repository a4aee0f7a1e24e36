/** `GET /po/history[/{id}]`: logs of analyses that have ended, one text per run, oldest first. */
import type { Selection } from './each.ts'
import type { Logs } from './logs.ts'
import type { Ports } from './ports.ts'

export async function history({ store }: Pick<Ports, 'store'>, selection: Selection): Promise<Logs> {
  const answer: Logs = { analysis: {}, nginx: {} }
  for (const { spelling, kind, text } of await store.history(selection?.id)) {
    const key = selection?.spelling ?? spelling
    const texts = answer[kind][key] ?? []
    texts.push(text)
    answer[kind][key] = texts
  }
  return answer
}
