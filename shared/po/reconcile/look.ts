/**
 * One look at one analysis: observe → decide → act. It knows of no other analysis, so that one that fails or is slow never
 * delays another, and it makes no difference whether a sweep comes by or an event asks for it.
 */
import { decide, type Verdict } from '../lifecycle.ts'
import type { Analysis } from '../model.ts'
import type { Ports } from '../ports.ts'
import { together } from '../side-by-side.ts'
import { ACTS, type ActPorts, applyBelowRoot, nextRun, renewToken } from './act.ts'
import { isAnswerable, observe, type Poll } from './observe.ts'
import { type HubMemory, tellPartners } from './partners.ts'
import { missingParts, rootUid, type World } from './world.ts'

export type LookPorts = ActPorts & Pick<Ports, 'hub'>

/** Puts a fresh token where the analysis and its next pod find it, while there is time for two more sweeps. */
async function refreshToken(ports: LookPorts, analysis: Analysis, remaining: number | null): Promise<void> {
  if (remaining === null || remaining >= 2 * ports.settings.intervalSeconds + 1) return
  const token = await renewToken(ports, analysis)
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

function judge(ports: LookPorts, world: World, analysis: Analysis, polled: Poll | undefined): Verdict | undefined {
  const { id, run, state, restarts, reapplied } = analysis
  if (state !== 'starting' && state !== 'started' && state !== 'executing') return undefined
  const lost = state !== 'starting' && !rootUid(world, analysis)
  const observed = observe(ports, world, analysis, polled)
  const verdict: Verdict = lost
    ? { action: 'finishFailed', reason: 'its credentials were lost' }
    : decide(state, observed, { restarts, restartMax: ports.settings.restartMax, reapplied })
  const level = verdict.action === 'none' ? 'debug' : 'loop'
  ports.log(level, 'verdict', { analysis: id, run, state, observed: observed.kind, ...verdict })
  return verdict
}

async function recordPoll({ store, now }: LookPorts, analysis: Analysis, polled: Poll | undefined): Promise<void> {
  if (!polled) return
  const heard = polled.health !== undefined
  if (!heard || analysis.silentPolls > 0) await store.recordPoll(analysis.key, analysis.run, heard, now())
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
  await together(...cares)
}

/** What follows from a poll: the verdict is carried out, and one that works is given what it needs to go on. */
async function followPoll(
  ports: LookPorts,
  world: World,
  memory: HubMemory,
  analysis: Analysis,
  polled: Poll | undefined,
): Promise<void> {
  await recordPoll(ports, analysis, polled)
  const verdict = judge(ports, world, analysis, polled)
  if (!verdict) return
  await ACTS[verdict.action](ports, world, analysis, verdict.reason)
  if (['none', 'wait', 'markExecuting'].includes(verdict.action)) await care(ports, world, memory, analysis, polled)
}

/** What follows from a look at an analysis that is claimed: how Kubernetes has it, and what it answered. */
export function follow(
  ports: LookPorts,
  world: World,
  memory: HubMemory,
  analysis: Analysis,
  polled: Poll | undefined,
): Promise<void> {
  if (analysis.state === 'restarting') return nextRun(ports, world, analysis)
  const counted = polled?.health || isAnswerable(world, analysis) ? polled : undefined
  return followPoll(ports, world, memory, analysis, counted)
}
