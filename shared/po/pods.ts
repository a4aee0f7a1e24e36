/** `GET /po/pods[/{id}]`: names of the pods of each analysis's current run, JSON-encoded as clients expect them. */
import { type Selection, select } from './each.ts'
import { COMPONENT, LABEL } from './names.ts'
import type { PoPodFacts } from './ports/cluster.ts'
import type { PoPorts } from './ports.ts'

/** The answer for an unknown id is an empty list. */
export async function pods(
  ports: Pick<PoPorts, 'store' | 'cluster'>,
  selection: Selection,
): Promise<Record<string, string[]>> {
  const selected = await select(ports, selection)
  if (selected.length === 0) return selection ? { [selection.spelling]: [] } : {}
  const labels = { [LABEL.analysis]: selection?.id, component: COMPONENT.analysis }
  const byRun = Map.groupBy(await ports.cluster.pods(labels), runOf)
  return Object.fromEntries(
    selected.map(([key, { id, run }]) => {
      const names = (byRun.get(`${id}/${run}`) ?? []).map((pod) => pod.name)
      return [key, [JSON.stringify(names)]]
    }),
  )
}

const runOf = ({ labels }: PoPodFacts): string => `${labels[LABEL.analysis]}/${labels[LABEL.run]}`
