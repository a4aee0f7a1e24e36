/**
 * Reconciles one analysis. It does not know of any other, so an analysis that fails or is slow delays no other.
 *
 *   poll → observe → decide → act → maintain
 *
 * - `poll` asks the analysis for its health, while Kubernetes is read (`world.ts`).
 * - `observe` reduces its pods and its answer to one observation; `decide` turns that into a verdict. Both are pure.
 * - `ACTS` (`act.ts`) applies the verdict. The transaction of an act also writes its reports, which `report.ts` delivers.
 * - `maintain` repairs a run that keeps running, renews its token and sends the statuses of its partners.
 *
 * A sweep polls many analyses and then applies each verdict; a hint reconciles one. Both take the same steps.
 */
import { allSettledOrThrow } from '../../platform/concurrency.ts'
import { isFault } from '../../platform/fault.ts'
import { parseReport } from '../../platform/isolation.ts'
import { classify, type Observation } from '../classify.ts'
import { decide, isWatched, type Verdict } from '../lifecycle.ts'
import type { Analysis, AnalysisId } from '../model.ts'
import { LABEL, runName } from '../names.ts'
import type { Health } from '../ports/analysis-api.ts'
import type { PoPodFacts } from '../ports/cluster.ts'
import type { PoPorts } from '../ports.ts'
import {
  ACTS,
  type ActPorts,
  applyBelowRoot,
  continueRestart,
  type Decision,
  ROOT_LOST,
  renewToken,
  waitsForPartner,
} from './act.ts'
import { createLoopCache, type LoopCache, recentWorld } from './loop-cache.ts'
import { type HubOutage, partnerStatuses, sendPartnerStatuses } from './partners.ts'
import { missingParts, readWorld, rootIn, type World } from './world.ts'

export type ReconcilePorts = ActPorts & Pick<PoPorts, 'hub'>

/** After this time another process may claim the analysis. */
export const CLAIM_LEASE_MS = 60_000

/**
 * Reconciles an analysis if it is due and not claimed. A failure is logged; the next sweep repeats the work.
 * @throws Fault of the database when the analysis could not be claimed
 */
export async function reconcileOne(
  ports: ReconcilePorts,
  id: AnalysisId,
  cache: LoopCache = createLoopCache(),
): Promise<void> {
  const { store, log, now } = ports
  const analysis = await store.claim(id, now(), CLAIM_LEASE_MS)
  if (!analysis) return
  try {
    const [recent, polled] = await allSettledOrThrow(recentWorld(ports, cache), poll(ports, analysis))
    // A recent world is enough to see that nothing has to be done. Every act is based on the present one.
    const world = isWell(ports, recent, analysis, polled) ? recent : await readWorld(ports, id)
    await applyVerdict(ports, world, cache.hubOutage, analysis, polled)
  } catch (error) {
    log(isFault(error) ? 'warn' : 'error', 'analysis not reconciled', { analysis: id, error })
  } finally {
    await store.releaseClaims([analysis.key])
  }
}

/** True if the analysis keeps running and no object of it is missing. */
function isWell(ports: ReconcilePorts, world: World, analysis: Analysis, polled: Poll | undefined): boolean {
  const verdict = observeAndDecide(ports, world, analysis, pollIfAnswerable(world, analysis, polled))
  return verdict !== undefined && keepsRunning(verdict) && missingParts(world, analysis).length === 0
}

// ------------------------------------------------------------------------------------------------------ poll

export interface Poll {
  /** Undefined when the analysis did not answer. */
  readonly health: Health | undefined
}

/**
 * Polls the current run of an analysis; undefined when it has none. An answer stops the silence timer at once, even if a later
 * step fails. Needs nothing from Kubernetes, so that both can be read at the same time.
 */
export async function poll(
  { analysisApi, store, now }: ReconcilePorts,
  { key, id, run, state, silentPolls }: Analysis,
): Promise<Poll | undefined> {
  if (state === 'restarting') return undefined
  const health = await analysisApi.healthz(id, run).catch(() => undefined)
  if (health && silentPolls > 0) await store.recordPoll(key, run, 'heard', now())
  return { health }
}

/** A container that is not running cannot answer, and before a run is complete its proxy may be missing. */
const isAnswerable = (world: World, analysis: Analysis): boolean =>
  analysis.state !== 'starting' &&
  world
    .analysisPods(analysis)
    .some(({ deleting, containers }) => !deleting && containers.some(({ running }) => running))

/** A failed poll counts as silence only if the run could have answered. */
const pollIfAnswerable = (world: World, analysis: Analysis, polled: Poll | undefined): Poll | undefined =>
  polled?.health || isAnswerable(world, analysis) ? polled : undefined

// --------------------------------------------------------------------------------------------------- observe

const secondsBetween = (from: Date, to: Date): number => Math.max(0, (to.getTime() - from.getTime()) / 1000)

/** Without the restarts of the container before the takeover, which say nothing about the run since then. */
function sinceTakeover(pod: PoPodFacts): PoPodFacts {
  const before = Number(pod.labels[LABEL.restartsBefore] ?? 0)
  if (!(before > 0)) return pod
  const containers = pod.containers.map((one) => ({ ...one, restarts: Math.max(0, one.restarts - before) }))
  return { ...pod, containers }
}

/** The observation from pods and poll. `analysis` is the row as it was before this poll was recorded. */
function observe(
  { now, settings }: ReconcilePorts,
  world: World,
  analysis: Analysis,
  polled: Poll | undefined,
): Observation {
  const { id, run, state, silentPolls, silentSince, runSince, lastFault } = analysis
  const isRenewed = lastFault?.fault === 'token' && lastFault.run === run
  const isSilent = polled !== undefined && !polled.health
  return classify(
    {
      recorded: state,
      pods: world
        .analysisPods(analysis)
        .filter(({ deleting }) => !deleting)
        .map(sinceTakeover),
      proxyReady: world.proxyReady(analysis),
      deploymentExists: world.uid('Deployment', runName(id, run)) !== undefined,
      adopted: world.adopted(analysis) !== undefined,
      container: runName(id, run),
      answered: polled?.health?.status,
      tokenRemaining: polled?.health?.tokenRemaining ?? null,
      partners: analysis.partners,
      tokenRenewedSeconds: isRenewed ? secondsBetween(new Date(lastFault.at), now()) : null,
      memoryLimit: settings.run.memoryLimit,
      silentPolls: isSilent ? silentPolls + 1 : 0,
      silentSeconds: isSilent && silentSince ? secondsBetween(silentSince, now()) : 0,
      ageSeconds: secondsBetween(runSince, now()),
    },
    settings.budgets,
  )
}

// ---------------------------------------------------------------------------------------------------- decide

/** Undefined in states in which polls decide nothing. */
function observeAndDecide(
  ports: ReconcilePorts,
  world: World,
  analysis: Analysis,
  polled: Poll | undefined,
): Decision | undefined {
  const { state, restarts, reapplied } = analysis
  if (!isWatched(state)) return undefined
  const observed = observe(ports, world, analysis, polled)
  if (state !== 'starting' && !rootIn(world, analysis)) return { observed, action: 'finishFailed', reason: ROOT_LOST }
  return { observed, ...decide(state, observed, { restarts, restartMax: ports.settings.restartMax, reapplied }) }
}

const keepsRunning = ({ action }: Verdict): boolean => ['none', 'wait', 'markExecuting'].includes(action)

// ------------------------------------------------------------------------------------------------------- act

/** Decides on a claimed analysis from the world and its poll, applies the verdict, and maintains a run that keeps running. */
export async function applyVerdict(
  ports: ReconcilePorts,
  world: World,
  hubOutage: HubOutage,
  analysis: Analysis,
  polled: Poll | undefined,
): Promise<void> {
  const { key, id, run, state } = analysis
  if (state === 'restarting') return continueRestart(ports, world, await withPartners(ports, hubOutage, analysis))
  const counted = pollIfAnswerable(world, analysis, polled)
  if (counted && !counted.health) await ports.store.recordPoll(key, run, 'silent', ports.now())
  const decision = observeAndDecide(ports, world, await withPartners(ports, hubOutage, analysis, counted), counted)
  if (!decision) return
  const { action, reason, observed } = decision
  const level = action === 'none' ? 'debug' : 'loop'
  ports.log(level, 'verdict', { analysis: id, run, state, observed: observed.kind, action, reason })
  if (action !== 'none') await saveRunFacts(ports, world, analysis)
  await ACTS[action](ports, world, analysis, decision)
  if (keepsRunning(decision)) await maintain(ports, world, hubOutage, analysis, counted)
}

/** Stores with the run what its pod tells of it, before the pod is removed: the proof of isolation and the digest of its image. */
async function saveRunFacts({ store, settings }: ReconcilePorts, world: World, analysis: Analysis): Promise<void> {
  const { key, id, run } = analysis
  const pods = world.analysisPods(analysis)
  const report = settings.run.isolation ? pods.find(({ proof }) => proof !== null)?.proof : null
  const proof = (report && parseReport(report.message)) ?? null
  const own = pods.flatMap(({ containers }) => containers).find(({ name }) => name === runName(id, run))
  const imageDigest = own?.imageDigest ?? null
  if (proof || imageDigest) await store.saveRunFacts(key, run, { proof, imageDigest })
}

/** With the present statuses of its partners, if it may be waiting for one. */
async function withPartners(ports: ReconcilePorts, hubOutage: HubOutage, analysis: Analysis, polled?: Poll) {
  const mayWait = polled?.health?.status === 'stuck' || waitsForPartner(analysis)
  return mayWait ? { ...analysis, partners: await partnerStatuses(ports, hubOutage, analysis) } : analysis
}

// -------------------------------------------------------------------------------------------------- maintain

/** Repairs a run, renews its token and sends partner statuses. The steps are independent: one that fails stops no other. */
async function maintain(
  ports: ReconcilePorts,
  world: World,
  hubOutage: HubOutage,
  analysis: Analysis,
  polled: Poll | undefined,
): Promise<void> {
  const steps: Promise<void>[] = []
  if (analysis.state !== 'starting') steps.push(repair(ports, world, analysis))
  if (polled?.health?.status === 'executing') {
    steps.push(refreshToken(ports, analysis, polled.health.tokenRemaining))
    steps.push(sendPartnerStatuses(ports, hubOutage, analysis))
  }
  await allSettledOrThrow(...steps)
}

/** Applies objects of a live run that others deleted. Its work continues, so this does not count as a reapply. */
async function repair(ports: ReconcilePorts, world: World, analysis: Analysis): Promise<void> {
  const missing = missingParts(world, analysis)
  if (missing.length === 0) return
  ports.log('action', 'missing objects applied', { analysis: analysis.id, run: analysis.run, missing })
  await applyBelowRoot(ports, world, analysis)
}

/** Renews a token that expires within two intervals, so that a later sweep can do it if this one fails. */
async function refreshToken(ports: ReconcilePorts, analysis: Analysis, remainingSeconds: number | null): Promise<void> {
  if (remainingSeconds === null || remainingSeconds >= 2 * ports.settings.intervalSeconds + 1) return
  const { token } = await renewToken(ports, analysis)
  await ports.analysisApi.refreshToken(analysis.id, analysis.run, token)
  ports.log('loop', 'token renewed', { analysis: analysis.id, run: analysis.run })
}
