/** What must be so before anything is taken over, each with what to do about it. */

import { PEER_NAMES } from '../apply-run.ts'
import type { AdoptPorts } from '../ports/adopt.ts'
import type { PoPodFacts } from '../ports/cluster.ts'
import { PEERS } from '../ports/cluster.ts'
import type { PoPorts } from '../ports.ts'
import type { Survey, SurveyOptions } from './survey.ts'

/** On all pods of this installation. */
const OURS = ['app.kubernetes.io/part-of', 'knative-pod-orchestration'] as const
/** By which a node finds its orchestrator, whichever it is. */
const ORCHESTRATOR = { component: 'flame-po' } as const

const isOurs = ({ labels }: PoPodFacts): boolean => labels[OURS[0]] === OURS[1]

/** Two loops would restart and end the same analyses. */
async function predecessorRuns({ cluster }: Pick<PoPorts, 'cluster'>): Promise<string[]> {
  const pods = (await cluster.pods(ORCHESTRATOR)).filter((pod) => !isOurs(pod))
  if (pods.length === 0) return []
  const names = pods.map(({ name }) => name).join(', ')
  return [`The Python service runs still (pod ${names}): scale its Deployment to 0 and wait until its pod is gone.`]
}

/** New proxies lead to the Services that are there now. */
async function peersAreThere({ cluster }: Pick<PoPorts, 'cluster'>, needsKong: boolean): Promise<string[]> {
  const peers = await cluster.peers()
  const missing = PEERS.filter((peer) => !peers[peer] && (peer !== 'kong' || needsKong))
  const faults = missing.map((peer) => `No Service was found for: ${PEER_NAMES[peer]}.`)
  const { orchestrator } = peers
  if (!orchestrator) return faults
  const behind = await cluster.pods(orchestrator.selector)
  if (behind.some(isOurs)) return faults
  return [
    ...faults,
    `The Service ${orchestrator.name} leads to no pod of this installation: analyses would send their log lines there. Remove the one of the Python service, and deploy this installation first.`,
  ]
}

/** Every reason not to begin; empty when there is none. With `force` those are left out that we may be mistaken about. */
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
