/** What is recorded of a run when a fault of it is acted on, for people and to see whether the next run ends like it. */
import type { Observation } from '../classify.ts'
import type { Analysis, RunEvidence } from '../model.ts'
import { runName } from '../names.ts'
import type { PoPorts } from '../ports.ts'
import { EVIDENCE_BYTES, lastLinesOf } from '../run-faults.ts'
import type { World } from './world.ts'

/** Undefined for an observation without a fault. Output that cannot be read is left out: a restart does not wait for it. */
export async function gatherEvidence(
  ports: Pick<PoPorts, 'cluster' | 'settings' | 'log' | 'now'>,
  world: World,
  analysis: Analysis,
  { fault, cause, exitCode }: Observation,
): Promise<RunEvidence | undefined> {
  if (!fault) return undefined
  const lastLines = await readLastLines(ports, world, analysis)
  const { memoryLimit } = ports.settings.run
  const at = ports.now().toISOString()
  return { run: analysis.run, fault, at, cause, exitCode: exitCode ?? null, lastLines, memoryLimit }
}

async function readLastLines(
  { cluster, log }: Pick<PoPorts, 'cluster' | 'log'>,
  world: World,
  { id, run }: Analysis,
): Promise<string[]> {
  const pod = world.analysisPods({ id, run }).find(({ containers }) => containers.length > 0)
  if (!pod) return []
  try {
    const tail = await cluster.log(pod.name, runName(id, run), EVIDENCE_BYTES)
    return lastLinesOf([...(tail?.text ?? [])].join(''))
  } catch (error) {
    log('warn', 'last lines of a run not read', { analysis: id, run, error })
    return []
  }
}
