/** Checks before anything is adopted. Each message says what the operator has to do. */

import { missingPeers } from '../apply-run.ts'
import type { AdoptPorts } from '../ports/adopt.ts'
import type { PoPodFacts } from '../ports/cluster.ts'
import type { PoPorts } from '../ports.ts'
import type { Survey, SurveyOptions } from './survey.ts'

const OURS = ['app.kubernetes.io/part-of', 'knative-pod-orchestration'] as const
/** Labels of the orchestrator of a node, ours or the Python service. */
const ORCHESTRATOR = { component: 'flame-po' } as const

const isOurs = ({ labels }: PoPodFacts): boolean => labels[OURS[0]] === OURS[1]

/** Two loops would restart and end the same analyses. */
async function predecessorRuns({ cluster }: Pick<PoPorts, 'cluster'>): Promise<string[]> {
  const pods = (await cluster.pods(ORCHESTRATOR)).filter((pod) => !isOurs(pod))
  if (pods.length === 0) return []
  const names = pods.map(({ name }) => name).join(', ')
  return [`The Python service runs still (pod ${names}): scale its Deployment to 0 and wait until its pod is gone.`]
}

/** New proxies send to the Services that exist now. */
async function peersAreThere({ cluster }: Pick<PoPorts, 'cluster'>, needsKong: boolean): Promise<string[]> {
  const peers = await cluster.peers()
  const faults = missingPeers(peers, needsKong).map((name) => `No Service was found for: ${name}.`)
  const { orchestrator } = peers
  if (!orchestrator) return faults
  const behind = await cluster.pods(orchestrator.selector)
  if (behind.some(isOurs)) return faults
  return [
    ...faults,
    `The Service ${orchestrator.name} leads to no pod of this installation: analyses would send their log lines there. Remove the one of the Python service, and deploy this installation first.`,
  ]
}

/** All reasons not to begin; empty when there is none. `force` skips the checks that can be mistaken. */
export async function preconditions(ports: AdoptPorts, { cases }: Survey, { force }: SurveyOptions): Promise<string[]> {
  const missing = await ports.intake.missingMigrations()
  const adopted = cases.filter(({ decision }) => decision.kind === 'adopt')
  const needsKong = adopted.some(({ runs }) => runs.at(-1)?.row.kong === 'given')
  return [
    ...(missing.length > 0 ? [`The database is not migrated (${missing.join(', ')}): run the migration first.`] : []),
    ...(force ? [] : await predecessorRuns(ports)),
    ...(force || adopted.length === 0 ? [] : await peersAreThere(ports, needsKong)),
    ...(adopted.length > 0 && ports.settings.run.resolver === ''
      ? ['CLUSTER_RESOLVER is not set, and outside of the cluster nobody else knows the address of its name server.']
      : []),
  ]
}
