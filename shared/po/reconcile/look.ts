/**
 * One look at one analysis: observe → decide → act. It knows of no other analysis, so that one that fails or is slow never
 * delays another, and it makes no difference whether a sweep comes by or an event asks for it.
 */

import { allSettledOrThrow } from '../../platform/concurrency.ts'
import { decide, type Observation, type Verdict } from '../lifecycle.ts'
import type { Analysis } from '../model.ts'
import type { Ports } from '../ports.ts'
import { ACTS, type ActPorts, applyBelowRoot, nextRun, ROOT_LOST, renewToken } from './act.ts'
import { isAnswerable, observe, type Poll, poll } from './observe.ts'
import { type HubMemory, tellPartners } from './partners.ts'
import { missingParts, rootIn, type World } from './world.ts'

export type LookPorts = ActPorts & Pick<Ports, 'hub'>

/** Puts a fresh token where the analysis and its next pod find it, while there is time for two more sweeps. */
async function refreshToken(ports: LookPorts, analysis: Analysis, remaining: number | null): Promise<void> {
  if (remaining === null || remaining >= 2 * ports.settings.intervalSeconds + 1) return
  const { token } = await renewToken(ports, analysis)
  await ports.sidecar.refreshToken(analysis.id, analysis.run, token)
  ports.log('loop', 'token renewed', { analysis: analysis.id, run: analysis.run })
}

/** Puts back parts of a live run that others deleted. Its work goes on, so that this does not count as putting it back. */
async function mend(ports: LookPorts, world: World, analysis: Analysis): Promise<void> {
  const missing = missingParts(world, analysis)
  if (missing.length === 0) return
  ports.log('action', 'parts put back', { analysis: analysis.id, run: analysis.run, missing })
  await applyBelowRoot(ports, world, analysis)
}

/** What is to be done about an analysis; undefined in states that polls do not decide. */
function verdictOf(ports: LookPorts, world: World, analysis: Analysis, polled: Poll | undefined): Judged | undefined {
  const { state, restarts, reapplied } = analysis
  if (state !== 'starting' && state !== 'started' && state !== 'executing') return undefined
  const observed = observe(ports, world, analysis, polled)
  if (state !== 'starting' && !rootIn(world, analysis)) {
    return { observed, action: 'finishFailed', reason: ROOT_LOST }
  }
  return { observed, ...decide(state, observed, { restarts, restartMax: ports.settings.restartMax, reapplied }) }
}

interface Judged extends Verdict {
  readonly observed: Observation
}

/** Verdicts that leave a run alone. */
const goesOn = ({ action }: Verdict): boolean => ['none', 'wait', 'markExecuting'].includes(action)

/** True when an analysis goes on and nothing of it is missing: then it does not matter how old the world is. */
export function isWell(ports: LookPorts, world: World, analysis: Analysis, polled: Poll | undefined): boolean {
  const verdict = verdictOf(ports, world, analysis, counted(world, analysis, polled))
  return verdict !== undefined && goesOn(verdict) && missingParts(world, analysis).length === 0
}

/** Asks an analysis how it is. An answer ends its silence at once, whatever else of the look may fail. */
export async function ask(ports: LookPorts, analysis: Analysis): Promise<Poll | undefined> {
  const polled = await poll(ports, analysis)
  if (polled?.health && analysis.silentPolls > 0) {
    await ports.store.recordPoll(analysis.key, analysis.run, true, ports.now())
  }
  return polled
}

/** Gives a run what it needs to go on: one thing that cannot be given does not keep it from the others. */
async function care(
  ports: LookPorts,
  world: World,
  memory: HubMemory,
  analysis: Analysis,
  polled: Poll | undefined,
): Promise<void> {
  const cares: Promise<void>[] = []
  if (analysis.state !== 'starting') cares.push(mend(ports, world, analysis))
  if (polled?.health?.status === 'executing') {
    cares.push(refreshToken(ports, analysis, polled.health.tokenRemaining))
    cares.push(tellPartners(ports, memory, analysis))
  }
  await allSettledOrThrow(...cares)
}

/** What follows from a poll: the verdict is carried out, and one that works is given what it needs to go on. */
async function followPoll(
  ports: LookPorts,
  world: World,
  memory: HubMemory,
  analysis: Analysis,
  polled: Poll | undefined,
): Promise<void> {
  if (polled && !polled.health) await ports.store.recordPoll(analysis.key, analysis.run, false, ports.now())
  const verdict = verdictOf(ports, world, analysis, polled)
  if (!verdict) return
  const { action, reason, observed } = verdict
  const { id, run, state } = analysis
  const level = action === 'none' ? 'debug' : 'loop'
  ports.log(level, 'verdict', { analysis: id, run, state, observed: observed.kind, action, reason })
  await ACTS[action](ports, world, analysis, reason)
  if (goesOn(verdict)) await care(ports, world, memory, analysis, polled)
}

/** A run whose container does not run cannot answer: that is no silence. */
const counted = (world: World, analysis: Analysis, polled: Poll | undefined): Poll | undefined =>
  polled?.health || isAnswerable(world, analysis) ? polled : undefined

/** What follows from a look at an analysis that is claimed: how Kubernetes has it, and what it answered. */
export function follow(
  ports: LookPorts,
  world: World,
  memory: HubMemory,
  analysis: Analysis,
  polled: Poll | undefined,
): Promise<void> {
  if (analysis.state === 'restarting') return nextRun(ports, world, analysis)
  return followPoll(ports, world, memory, analysis, counted(world, analysis, polled))
}
