/**
 * Proves the isolation of the namespace without an analysis: when it is known to be open, until it is closed again, and every
 * `CANARY_INTERVAL` while analyses run. Each sweep takes one step: apply the probe, read its report, remove it.
 */
import { parseReport } from '../../platform/isolation.ts'
import { PROBE_NAME } from '../names.ts'
import { objectsOfProbe, PROBE_SELECTOR, probeRoot } from '../objects/index.ts'
import type { PoPodFacts } from '../ports/cluster.ts'
import type { IsolationState } from '../ports/isolation.ts'
import type { PoPorts } from '../ports.ts'

type ProbePorts = Pick<PoPorts, 'store' | 'cluster' | 'settings' | 'now' | 'log'>

/** A probe without a report after this time is removed, and the next one tries again. */
const PROBE_BUDGET_MS = 5 * 60_000

export async function probeIsolation(ports: ProbePorts): Promise<void> {
  const { store, cluster, settings } = ports
  if (!settings.run.isolation) return
  const state = await store.isolation()
  const pods = await cluster.pods(PROBE_SELECTOR)
  const pod = pods.find(({ deleting }) => !deleting)
  if (pod) return readProbe(ports, state, pod)
  if (pods.length === 0 && (await isDue(ports, state))) await applyProbe(ports)
}

async function isDue({ store, now, settings }: ProbePorts, { breach, provenAt }: IsolationState): Promise<boolean> {
  if (breach !== null) return true
  const isOld = provenAt === null || now().getTime() - provenAt.getTime() >= settings.canarySeconds * 1000
  return isOld && (await store.silence()).heard > 0
}

async function applyProbe({ cluster, settings }: ProbePorts): Promise<void> {
  const { isolation } = settings.run
  if (!isolation) return
  const input = { peers: await cluster.peers(), settings: settings.run, isolation }
  const { uid } = await cluster.apply(probeRoot(input))
  for (const object of objectsOfProbe(input, uid)) await cluster.apply(object)
}

async function readProbe(ports: ProbePorts, state: IsolationState, pod: PoPodFacts): Promise<void> {
  const { store, cluster, now, log } = ports
  const report = pod.proof && parseReport(pod.proof.message)
  if (!report && now().getTime() - pod.createdAt.getTime() < PROBE_BUDGET_MS) return
  if (report?.proven) {
    await store.recordProof(now())
    log(state.breach === null ? 'loop' : 'action', 'isolation proven', { ms: report.ms, closed: report.closed.length })
  } else if (report && report.open.length > 0) {
    const breach = `a probe could reach: ${report.open.join(', ')}`
    await store.recordBreach(breach, now())
    log('error', 'isolation not enforced', { open: report.open })
  } else log('warn', 'isolation not examined', { pod: pod.name, phase: pod.phase, fails: report?.fails ?? null })
  await cluster.remove('ConfigMap', PROBE_NAME)
}
