/**
 * Adopts the analyses of a node's Python service. A running analysis keeps its pod, its other objects are replaced or adopted,
 * and the status loop continues it. An ended one is recorded, so status and history still show it.
 *
 * Analyses are independent: one that fails stops no other. The next call continues what is incomplete.
 */

import { mapConcurrent } from '../../platform/concurrency.ts'
import { ensureStandingPolicy, type Peers, requirePeers } from '../apply-run.ts'
import { COMPONENT, FORMER_PROXIES_POLICY_NAME, LABEL } from '../names.ts'
import { formerProxiesPolicy } from '../objects/index.ts'
import type { AdoptPorts } from '../ports/adopt.ts'
import type { PoPorts } from '../ports.ts'
import { latestOf } from './former.ts'
import type { Case, Survey } from './survey.ts'
import { adoptRunning, finish } from './take.ts'

export interface CaseResult {
  readonly one: Case
  /** Undefined if it succeeded. */
  readonly error: unknown
}

/** Most of the time of each is spent waiting for pods. */
const CONCURRENCY = 8

const isToDo = ({ decision: { kind } }: Case): boolean => kind === 'adopt' || kind === 'finish'

async function carryOut(ports: AdoptPorts, one: Case, peers: Peers): Promise<void> {
  const { decision } = one
  if (decision.kind === 'adopt') return adoptRunning(ports, one, decision.state, peers)
  if (decision.kind === 'finish') return finish(ports, one, decision)
}

type OnResult = (result: CaseResult) => void

/** For the cases of one id, in order: archived rows come before the current one. */
async function carryOutAll(ports: AdoptPorts, cases: readonly Case[], peers: Peers, onResult: OnResult): Promise<void> {
  for (const one of cases) {
    try {
      await carryOut(ports, one, peers)
      onResult({ one, error: undefined })
    } catch (error) {
      ports.log('warn', 'analysis not adopted', { analysis: one.id, error })
      onResult({ one, error })
    }
  }
}

async function closeFormerProxies({ cluster }: Pick<PoPorts, 'cluster'>): Promise<void> {
  if (!(await cluster.find('NetworkPolicy', FORMER_PROXIES_POLICY_NAME))) return
  const proxies = await cluster.pods({ component: COMPONENT.proxy })
  if (proxies.some(({ labels }) => labels[LABEL.analysis] === undefined)) return
  await cluster.remove('NetworkPolicy', FORMER_PROXIES_POLICY_NAME)
}

async function prepare(ports: AdoptPorts, { formerProxies }: Survey, cases: readonly Case[]): Promise<Peers> {
  // In this order, because the standing policy denies the traffic of proxies without a policy of their own.
  if (formerProxies) await ports.cluster.apply(formerProxiesPolicy())
  await ensureStandingPolicy(ports)
  const adopted = cases.filter(({ decision }) => decision.kind === 'adopt')
  if (adopted.length === 0) return {}
  const needsKong = adopted.some((one) => latestOf(one).row.kong === 'given')
  return requirePeers(ports, needsKong)
}

/**
 * Carries out the decisions of a survey and calls `onResult` for each case as soon as it is done.
 * @throws Fault when it could not begin; a later failure affects one case and goes to `onResult`
 */
export async function takeOver(ports: AdoptPorts, survey: Survey, onResult: OnResult): Promise<void> {
  const cases = survey.cases.filter(isToDo)
  if (cases.length > 0) {
    const peers = await prepare(ports, survey, cases)
    const groups = [...Map.groupBy(cases, ({ id }) => id).values()]
    await mapConcurrent(groups, CONCURRENCY, (group) => carryOutAll(ports, group, peers, onResult))
  }
  await closeFormerProxies(ports)
}
