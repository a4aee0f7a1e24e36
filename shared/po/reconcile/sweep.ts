/**
 * One sweep of the status loop: claim what is due, read the world once, look at the analyses side by side, and for each
 * observe → decide → act → report. One that fails or is slow never delays another. Running it twice changes nothing.
 */
import { decide, type Observation } from '../lifecycle.ts'
import type { Analysis } from '../model.ts'
import type { Ports } from '../ports.ts'
import { REMOVAL_LEASE_MS, release } from '../release.ts'
import { deliver } from '../report.ts'
import { sideBySide } from '../side-by-side.ts'
import { ACTS, type ActPorts, applyBelowRoot, nextRun, renewToken } from './act.ts'
import { observe, type Poll, poll } from './observe.ts'
import { missingParts, readWorld, rootUid, type World } from './world.ts'

export type SweepPorts = ActPorts & Pick<Ports, 'hub'>

export interface SweepReport {
  readonly analyses: number
  readonly removals: number
  readonly delivered: number
  readonly failed: number
}

const CLAIM_LEASE_MS = 60_000
const CLAIM_LIMIT = 10_000
const REMOVAL_LIMIT = 1000
const CONCURRENCY = 128
const DELIVERY_MS = 5000
/** More than this share of the polls without an answer, and at least so many, is a fault of ours and no verdict. */
const OUR_FAULT_SHARE = 0.5
const OUR_FAULT_MIN = 5

/** Acts on all items side by side; a failure is told and concerns its item alone. */
async function onEach<T>(
  items: readonly T[],
  act: (item: T) => Promise<unknown>,
  failed: (error: unknown, item: T) => void,
) {
  await sideBySide(items, CONCURRENCY, (item) => act(item).catch((error: unknown) => failed(error, item)))
}

async function refreshToken(ports: SweepPorts, analysis: Analysis, remaining: number | null): Promise<void> {
  if (remaining === null || remaining >= 2 * ports.settings.intervalSeconds + 1) return
  const token = await renewToken(ports, analysis)
  await ports.sidecar.refreshToken(analysis.id, analysis.run, token)
  ports.log('loop', 'token renewed', { analysis: analysis.id, run: analysis.run })
}

/** Tells the analysis how its partners are; what the Hub does not say is left out. */
async function tellPartners({ hub, sidecar, log }: SweepPorts, { id, run }: Analysis): Promise<void> {
  try {
    const partners = await hub.partners(id)
    const statuses = partners.map(({ analysisNodeId, executionStatus }) => [analysisNodeId, executionStatus] as const)
    await sidecar.partnerStatus(id, run, Object.fromEntries(statuses))
  } catch (error) {
    log('debug', 'partners not told', { analysis: id, run, error })
  }
}

/** Puts back parts of a live run that others deleted. Its work goes on, so that this does not count as putting it back. */
async function mend(ports: SweepPorts, world: World, analysis: Analysis): Promise<void> {
  const missing = missingParts(world, analysis)
  if (missing.length === 0) return
  ports.log('action', 'parts put back', { analysis: analysis.id, run: analysis.run, missing })
  await applyBelowRoot(ports, world, analysis)
}

async function judge(ports: SweepPorts, world: World, analysis: Analysis, observed: Observation): Promise<void> {
  const { state, restarts, reapplied } = analysis
  if (state !== 'starting' && state !== 'started' && state !== 'executing') return
  const lost = state !== 'starting' && !rootUid(world, analysis)
  const verdict = lost
    ? ({ action: 'finishFailed', reason: 'its credentials were lost' } as const)
    : decide(state, observed, { restarts, restartMax: ports.settings.restartMax, reapplied })
  ports.log('loop', 'verdict', { analysis: analysis.id, run: analysis.run, state, observed: observed.kind, ...verdict })
  await ACTS[verdict.action](ports, world, analysis, verdict.reason)
  if (state !== 'starting' && ['none', 'wait', 'markExecuting'].includes(verdict.action)) {
    await mend(ports, world, analysis)
  }
}

interface Look {
  readonly analysis: Analysis
  readonly polled: Poll | undefined
}

async function lookAt(ports: SweepPorts, world: World, analysis: Analysis): Promise<Look | undefined> {
  if (analysis.state === 'restarting') {
    await nextRun(ports, world, analysis)
    return undefined
  }
  const polled = await poll(ports, world, analysis)
  if (polled && !polled.health) return { analysis, polled }
  if (analysis.silentPolls > 0) await ports.store.recordPoll(analysis.key, analysis.run, true, ports.now())
  await judge(ports, world, analysis, observe(ports, world, analysis, polled))
  if (polled?.health?.status === 'executing') {
    await refreshToken(ports, analysis, polled.health.tokenRemaining)
    await tellPartners(ports, analysis)
  }
  return undefined
}

/** Judges the analyses that did not answer, unless so many are silent that the fault must be on our side. */
async function judgeQuiet(ports: SweepPorts, world: World, quiet: readonly Look[], all: number, failed: Failed) {
  if (quiet.length >= OUR_FAULT_MIN && quiet.length > all * OUR_FAULT_SHARE) {
    ports.log('error', 'most analyses do not answer', { silent: quiet.length, all })
    return
  }
  await onEach(
    quiet,
    async ({ analysis, polled }) => {
      await ports.store.recordPoll(analysis.key, analysis.run, false, ports.now())
      await judge(ports, world, analysis, observe(ports, world, analysis, polled))
    },
    (error, { analysis }) => failed(error, analysis),
  )
}
type Failed = (error: unknown, analysis: Analysis) => void

async function sweepAnalyses(ports: SweepPorts, failed: Failed): Promise<number> {
  const due = await ports.store.claimDue(ports.now(), CLAIM_LEASE_MS, CLAIM_LIMIT)
  if (due.length === 0) return 0
  try {
    const world = await readWorld(ports)
    const quiet: Look[] = []
    const look = async (analysis: Analysis) => {
      const silent = await lookAt(ports, world, analysis)
      if (silent) quiet.push(silent)
    }
    await onEach(due, look, failed)
    await judgeQuiet(ports, world, quiet, due.length, failed)
  } finally {
    await ports.store.unclaim(due.map(({ key }) => key))
  }
  return due.length
}

async function sweepRemovals(ports: SweepPorts, failed: (error: unknown, id: string) => void): Promise<number> {
  const removals = await ports.store.claimRemovals(ports.now(), REMOVAL_LEASE_MS, REMOVAL_LIMIT)
  await onEach(
    removals,
    (removal) => release(ports, removal),
    (error, { id }) => failed(error, id),
  )
  return removals.length
}

export async function sweep(ports: SweepPorts): Promise<SweepReport> {
  let failures = 0
  const failed = (error: unknown, id: string) => {
    failures += 1
    ports.log('warn', 'step of the sweep failed', { analysis: id, error })
  }
  const analyses = await sweepAnalyses(ports, (error, { id }) => failed(error, id))
  const removals = await sweepRemovals(ports, failed)
  const delivered = await deliver(ports, new Date(ports.now().getTime() + DELIVERY_MS))
  await ports.store.pruneArchive(ports.settings.archive)
  return { analyses, removals, delivered, failed: failures }
}
