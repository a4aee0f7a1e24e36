/** `GET /po/logs[/{id}]`: the end of the present log of each container of live analyses. */
import { readLog } from './container-logs.ts'
import { type Selection, select } from './each.ts'
import type { Analysis } from './model.ts'
import { COMPONENT, LABEL, proxyName, runName } from './names.ts'
import type { PoPodFacts } from './ports/cluster.ts'
import type { PoPorts } from './ports.ts'
import { entry, type Logs, noted, type Text, type TextsByKey } from './texts.ts'

type LogPorts = Pick<PoPorts, 'store' | 'cluster' | 'settings'>

/** Logs of the containers with one name, in the order of their pods. Containers without a log are left out. */
async function* containerLogs(ports: LogPorts, pods: readonly PoPodFacts[], container: string): AsyncGenerator<Text> {
  for (const pod of pods.filter(({ containers }) => containers.some(({ name }) => name === container))) {
    const { log, done } = await readLog(ports, pod.name, container)
    try {
      if (log) yield noted(log.text, log.leftOut)
    } finally {
      done()
    }
  }
}

interface Live {
  readonly key: string
  readonly analysis: Analysis
  readonly pods: readonly PoPodFacts[]
}

const isOfRuns = ({ labels }: PoPodFacts): boolean =>
  [COMPONENT.analysis, COMPONENT.proxy].some((component) => component === labels['component'])

async function liveOf(ports: LogPorts, selection: Selection): Promise<Live[]> {
  const selected = await select(ports, selection)
  if (selected.length === 0) return []
  const pods = await ports.cluster.pods({ [LABEL.analysis]: selection?.id })
  const byId = Map.groupBy(pods.filter(isOfRuns), ({ labels }) => labels[LABEL.analysis])
  return selected.map(([key, analysis]) => ({ key, analysis, pods: byId.get(analysis.id) ?? [] }))
}

async function* byKey(ports: LogPorts, live: readonly Live[], nameOf: typeof runName): TextsByKey {
  for (const { key, analysis, pods } of live) {
    yield* entry(key, containerLogs(ports, pods, nameOf(analysis.id, analysis.run)))
  }
}

export async function logs(ports: LogPorts, selection: Selection): Promise<Logs> {
  const live = await liveOf(ports, selection)
  return { analysis: byKey(ports, live, runName), nginx: byKey(ports, live, proxyName) }
}
