/**
 * Goes on with what the Python service of a node has begun. An analysis that runs keeps its pod; everything around it
 * becomes ours, and then it is the loop's. What has ended is recorded, so that status and history answer as before.
 *
 * Each analysis is taken over by itself: one that fails stops no other, and what was begun is continued by the next call.
 */

import { mapConcurrent } from '../../platform/concurrency.ts'
import { ensureStandingPolicy, type Peers, requirePeers } from '../apply-run.ts'
import { COMPONENT, FORMER_PROXIES_POLICY_NAME, LABEL } from '../names.ts'
import { formerProxiesPolicy } from '../objects/index.ts'
import type { AdoptPorts } from '../ports/adopt.ts'
import type { PoPorts } from '../ports.ts'
import { latestOf } from './former.ts'
import type { Case, Survey } from './survey.ts'
import { adopt, finish } from './take.ts'

/** What came of a case. */
export interface Result {
  readonly one: Case
  /** Undefined when it was done. */
  readonly error: unknown
}

/** Each waits for a pod to get ready and another one to end. */
const CONCURRENCY = 8

const isToDo = ({ decision: { kind } }: Case): boolean => kind === 'adopt' || kind === 'finish'

async function carryOut(ports: AdoptPorts, one: Case, peers: Peers): Promise<void> {
  const { decision } = one
  if (decision.kind === 'adopt') return adopt(ports, one, decision.state, peers)
  if (decision.kind === 'finish') return finish(ports, one, decision)
}

/** Hears of each as soon as it is through. */
type Tell = (result: Result) => void

/** One after the other: what is archived of an id comes before what is left of it. */
async function carryOutAll(ports: AdoptPorts, cases: readonly Case[], peers: Peers, tell: Tell): Promise<void> {
  for (const one of cases) {
    try {
      await carryOut(ports, one, peers)
      tell({ one, error: undefined })
    } catch (error) {
      ports.log('warn', 'analysis not taken over', { analysis: one.id, error })
      tell({ one, error })
    }
  }
}

/** Former proxies stay open only as long as there are any. */
async function closeFormerProxies({ cluster }: Pick<PoPorts, 'cluster'>): Promise<void> {
  if (!(await cluster.find('NetworkPolicy', FORMER_PROXIES_POLICY_NAME))) return
  const proxies = await cluster.pods({ component: COMPONENT.proxy })
  if (proxies.some(({ labels }) => labels[LABEL.analysis] === undefined)) return
  await cluster.remove('NetworkPolicy', FORMER_PROXIES_POLICY_NAME)
}

async function prepare(ports: AdoptPorts, { formerProxies }: Survey, cases: readonly Case[]): Promise<Peers> {
  // In this order: the standing policy closes every proxy that no other policy opens.
  if (formerProxies) await ports.cluster.apply(formerProxiesPolicy())
  await ensureStandingPolicy(ports)
  const adopted = cases.filter(({ decision }) => decision.kind === 'adopt')
  if (adopted.length === 0) return {}
  const needsKong = adopted.some((one) => latestOf(one).row.kong === 'given')
  return requirePeers(ports, needsKong)
}

/**
 * Does what the survey decided.
 * @throws Fault when it could not begin; what fails later concerns one analysis, and `tell` hears of it
 */
export async function takeOver(ports: AdoptPorts, survey: Survey, tell: Tell): Promise<void> {
  const cases = survey.cases.filter(isToDo)
  if (cases.length > 0) {
    const peers = await prepare(ports, survey, cases)
    const groups = [...Map.groupBy(cases, ({ id }) => id).values()]
    await mapConcurrent(groups, CONCURRENCY, (group) => carryOutAll(ports, group, peers, tell))
  }
  await closeFormerProxies(ports)
}
