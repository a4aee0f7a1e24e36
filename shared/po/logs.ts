/** `GET /po/logs[/{id}]`: what the containers of live analyses have written so far, the last 10 MiB of each. */
import { type Selection, select } from './each.ts'
import { type Analysis, LOG_SNAPSHOT_BYTES } from './model.ts'
import { COMPONENT, LABEL, proxyName, runName } from './names.ts'
import type { PodFacts, Ports } from './ports.ts'

export interface Logs {
  readonly analysis: Record<string, string[]>
  readonly nginx: Record<string, string[]>
}

type LogPorts = Pick<Ports, 'store' | 'cluster'>

/** Logs of one container name in the order of their pods; a container without a log is left out. */
async function containerLogs({ cluster }: LogPorts, pods: readonly PodFacts[], container: string): Promise<string[]> {
  const owners = pods.filter((pod) => pod.containers.some(({ name }) => name === container))
  const logs = await Promise.all(owners.map((pod) => cluster.log(pod.name, container, LOG_SNAPSHOT_BYTES)))
  return logs.flatMap((log) => (log ? [log.text] : []))
}

async function logsOf(ports: LogPorts, { id, run }: Analysis, pods: readonly PodFacts[]) {
  const [analysis, nginx] = await Promise.all([
    containerLogs(ports, pods, runName(id, run)),
    containerLogs(ports, pods, proxyName(id, run)),
  ])
  return { analysis, nginx }
}

export async function logs(ports: LogPorts, selection: Selection): Promise<Logs> {
  const answer: Logs = { analysis: {}, nginx: {} }
  const selected = await select(ports, selection)
  if (selected.length === 0) return answer
  const found = await ports.cluster.pods({ [LABEL.analysis]: selection?.id })
  const pods = found.filter(({ labels }) =>
    [COMPONENT.analysis, COMPONENT.proxy].some((c) => c === labels['component']),
  )
  const byId = Map.groupBy(pods, ({ labels }) => labels[LABEL.analysis])
  await Promise.all(
    selected.map(async ([key, analysis]) => {
      const texts = await logsOf(ports, analysis, byId.get(analysis.id) ?? [])
      if (texts.analysis.length > 0) answer.analysis[key] = texts.analysis
      if (texts.nginx.length > 0) answer.nginx[key] = texts.nginx
    }),
  )
  return answer
}
