/**
 * Applies verdicts: `ACTS` has one act per action of the lifecycle, and `continueRestart` begins the run after a restart.
 *
 * A state changes by compare-and-set only, in the transaction that also writes reports, log lines and the removal. So a stop
 * that arrives during an act wins. Every act can be repeated after its process died.
 */
import { applyRun, ensureStandingPolicy, requirePeers, runInput } from '../apply-run.ts'
import { notStarted, type Observation } from '../classify.ts'
import { recordEnd } from '../ending.ts'
import { breachOf, neighbourOf } from '../isolation.ts'
import { type Action, type Verdict, WATCHED_STATES } from '../lifecycle.ts'
import type { Analysis, Outcome, Report, RunEvidence } from '../model.ts'
import { credentialsName, policyName, runName } from '../names.ts'
import { CREDENTIAL_KEYS } from '../objects/index.ts'
import type { SecretMeta } from '../ports/cluster.ts'
import type { PoPorts } from '../ports.ts'
import { type ReleasePorts, releaseByKey, takeLogs } from '../release.ts'
import { ownLine } from '../report.ts'
import { isRepeated, restartDelaySeconds } from '../run-faults.ts'
import { gatherEvidence } from './evidence.ts'
import { hasCredentials, type Root, rootAt, rootIn, type World } from './world.ts'

export type ActPorts = ReleasePorts & Pick<PoPorts, 'analysisApi' | 'random'>

const RUN_LEASE_MS = 60_000
/** Delay between two checks of the partners that an analysis waits for. */
const PARTNER_RETRY_MS = 30_000
/** Causes, as callers read them. */
export const ROOT_LOST = 'its root object was deleted'
const CREDENTIALS_LOST = 'its credentials were lost'

export interface Decision extends Verdict {
  readonly observed: Observation
}

type Act = (ports: ActPorts, world: World, analysis: Analysis, decision: Decision) => Promise<void>

const NOTHING: Act = async () => {}
const finishAs =
  (outcome: Outcome): Act =>
  (ports, _world, analysis, { reason }) =>
    finish(ports, analysis, outcome, reason)

export const ACTS = {
  none: NOTHING,
  wait: NOTHING,
  resume,
  undo: finishAs('failed'),
  reapply,
  restart,
  renewToken: renewTokenOnce,
  markExecuting,
  finishExecuted: finishAs('executed'),
  finishFailed: async (ports, world, analysis, decision) => {
    const { observed, reason } = decision
    if (observed.fault === 'isolation') await ports.store.recordBreach(observed.cause, ports.now())
    await finish(ports, analysis, 'failed', reason, await gatherEvidence(ports, world, analysis, observed))
  },
  finishStopped: finishAs('stopped'),
} as const satisfies Record<Action, Act>

/** Completes a creation or a restart whose process died. A creation without credentials is undone. */
async function resume(ports: ActPorts, world: World, analysis: Analysis): Promise<void> {
  const { store, log } = ports
  const root = rootIn(world, analysis)
  if (root && hasCredentials(world, analysis)) return complete(ports, world, analysis, root)
  if (analysis.restarts > 0) {
    const found = await prepareRestart(ports, world, analysis)
    return found && complete(ports, world, analysis, found)
  }
  if (await store.abandon(analysis.key)) log('action', 'creation undone', { analysis: analysis.id })
  return releaseByKey(ports, analysis.key)
}

async function complete(ports: ActPorts, world: World, analysis: Analysis, root: Root): Promise<void> {
  const { store, log } = ports
  const policies = await applyBelow(ports, world, analysis, root)
  const reports: Report[] = [{ kind: 'status', status: 'started', progress: analysis.progress }]
  const started = await store.transition(analysis.key, ['starting'], 'started', { reports, policies }, analysis.run)
  if (started) log('action', 'analysis started', { analysis: analysis.id, run: analysis.run })
}

async function markExecuting(ports: ActPorts, _world: World, { key, run, progress }: Analysis): Promise<void> {
  const reports: Report[] = [{ kind: 'status', status: 'executing', progress }]
  await ports.store.transition(key, ['starting', 'started'], 'executing', { cause: null, reports }, run)
}

async function reapply(ports: ActPorts, world: World, analysis: Analysis, { reason }: Decision): Promise<void> {
  const adopted = world.adopted(analysis)
  if (adopted) return removeAdopted(ports, adopted, analysis)
  await applyBelowRoot(ports, world, analysis)
  const { key, state, run, id } = analysis
  const counted = state === 'executing' ? ({ reapplied: true } as const) : {}
  await ports.store.transition(key, [state], state, { ...counted, cause: reason }, run)
  ports.log('action', 'run reapplied', { analysis: id, run, reason })
}

/** Removes a Deployment that was taken over and lost its pod. Once it is gone, our own is applied in its place. */
async function removeAdopted(
  ports: ActPorts,
  { deleting }: { deleting: boolean },
  { id, run }: Analysis,
): Promise<void> {
  if (deleting) return
  await ports.cluster.remove('Deployment', runName(id, run))
  ports.log('action', 'adopted Deployment removed', { analysis: id, run })
}

/**
 * Removes the run, unless it ended like the one before. `continueRestart` begins the next run when the pods have ended and the
 * back-off is over.
 */
async function restart(
  ports: ActPorts,
  world: World,
  analysis: Analysis,
  { reason, observed }: Decision,
): Promise<void> {
  const { store, cluster, settings, now, random, log } = ports
  const { key, id, run, restarts, lastFault } = analysis
  await saveLogs(ports, analysis)
  const evidence = await gatherEvidence(ports, world, analysis, observed)
  if (evidence && isRepeated(lastFault, evidence))
    return finish(ports, analysis, 'failed', `${reason}, like run ${lastFault?.run} before it`, evidence)
  const text = `${reason}; restart ${restarts + 1} of ${settings.restartMax}`
  const line = ownLine('error', 'ANALYSISSTARTUPERROR', text, { ...analysis, progress: 0 })
  const delay = restartDelaySeconds(evidence?.fault ?? 'silent', restarts, random())
  const dueAt = new Date(now().getTime() + delay * 1000)
  const reports: Report[] = settings.hubLogging
    ? [{ kind: 'log', level: line.level, message: line.message, status: null }]
    : []
  const patch = { cause: reason, dueAt, lines: [line], reports, ...(evidence ? { evidence } : {}) }
  if (!(await store.transition(key, WATCHED_STATES, 'restarting', patch, run))) return
  log('action', 'analysis restarting', { analysis: id, run, reason, restart: restarts + 1 })
  await cluster.remove('NetworkPolicy', policyName(id, run))
}

/** Gives a run whose token has expired a new one, and records that it did. */
async function renewTokenOnce(
  ports: ActPorts,
  world: World,
  analysis: Analysis,
  { reason, observed }: Decision,
): Promise<void> {
  const { key, id, run, state } = analysis
  const { token } = await renewToken(ports, analysis)
  await ports.analysisApi.refreshToken(id, run, token)
  const evidence = await gatherEvidence(ports, world, analysis, observed)
  await ports.store.transition(key, [state], state, { cause: reason, ...(evidence ? { evidence } : {}) }, run)
  ports.log('action', 'expired token renewed', { analysis: id, run })
}

/** Saves the container logs of a run before its pods are removed. A restart continues if they cannot be read. */
async function saveLogs(ports: ActPorts, { key, id, run }: Analysis): Promise<void> {
  try {
    await takeLogs(ports, { key, id, firstRun: run, lastRun: run })
  } catch (error) {
    ports.log('warn', 'logs of a run not read', { analysis: id, run, error })
  }
}

export async function continueRestart(ports: ActPorts, world: World, analysis: Analysis): Promise<void> {
  const { store, cluster, now } = ports
  const { key, id, run } = analysis
  if (world.uid('NetworkPolicy', policyName(id, run))) await cluster.remove('NetworkPolicy', policyName(id, run))
  if (world.analysisPods(analysis).length > 0 || analysis.dueAt > now()) return
  if ((await breachOf(ports)) !== null) return
  if (waitsForPartner(analysis) && notStarted(analysis.partners).length > 0) return waitOn(ports, analysis)
  const root = await prepareRestart(ports, world, analysis)
  if (!root) return
  const patch = { nextRun: true, cause: null, claimedUntil: new Date(now().getTime() + RUN_LEASE_MS) }
  const begun = await store.transition(key, ['restarting'], 'starting', patch, run)
  if (begun) await complete(ports, world, begun, root)
}

/** Its last run was stuck because a partner had not started. The next one begins when all have: until then it has no pods. */
export const waitsForPartner = ({ state, lastFault }: Analysis): boolean =>
  state === 'restarting' && lastFault?.fault === 'partner'

async function waitOn(ports: ActPorts, analysis: Analysis): Promise<void> {
  const { store, settings, now } = ports
  const { key, run, cause, lastFault } = analysis
  const waited = (now().getTime() - Date.parse(lastFault?.at ?? '')) / 1000
  const { partnerSeconds } = settings.budgets
  if (waited >= partnerSeconds) return finish(ports, analysis, 'failed', `${cause} (budget ${partnerSeconds} s)`)
  const dueAt = new Date(now().getTime() + PARTNER_RETRY_MS)
  await store.transition(key, ['restarting'], 'restarting', { dueAt }, run)
}

/** Renews the token of the next pod. Resolves to the root; an analysis that lost its root or its credentials fails. */
async function prepareRestart(ports: ActPorts, world: World, analysis: Analysis): Promise<Root | undefined> {
  const { secret } = await renewToken(ports, analysis)
  const root = secret && rootAt(world, analysis, secret)
  if (!root) await finish(ports, analysis, 'failed', secret ? ROOT_LOST : CREDENTIALS_LOST)
  return root
}

/** Issues a token and patches it into the credentials Secret for the next pod; `secret` is undefined if there is none. */
export async function renewToken(
  { identity, cluster }: ActPorts,
  { id, firstRun }: Analysis,
): Promise<{ readonly token: string; readonly secret: SecretMeta | undefined }> {
  const { value } = await identity.issueToken(id)
  const secret = await cluster.patchSecret(credentialsName(id, firstRun), { [CREDENTIAL_KEYS.analysisToken]: value })
  return { token: value, secret }
}

async function finish(
  ports: ActPorts,
  analysis: Analysis,
  outcome: Outcome,
  cause: string,
  evidence?: RunEvidence,
): Promise<void> {
  const { log } = ports
  const line = outcome === 'failed' ? ownLine('error', 'ANALYSISFAILED', cause, analysis) : undefined
  const archive = outcome === 'executed'
  const end = { outcome, cause, archive, ...(line ? { line } : {}), ...(evidence ? { evidence } : {}) }
  if (!(await recordEnd(ports, analysis, end))) return
  log('action', 'analysis ended', { analysis: analysis.id, run: analysis.run, outcome, cause })
  await releaseByKey(ports, analysis.key)
}

/** Applies everything below the root of the current run; only what is missing changes. */
export async function applyBelowRoot(ports: ActPorts, world: World, analysis: Analysis): Promise<void> {
  const root = rootIn(world, analysis)
  if (root) await applyBelow(ports, world, analysis, root)
}

async function applyBelow(ports: ActPorts, world: World, analysis: Analysis, root: Root) {
  const [peers] = await Promise.all([requirePeers(ports, analysis.needsKong), ensureStandingPolicy(ports)])
  const input = runInput(analysis, peers, ports, root.kind, await neighbourOf(ports, analysis.id))
  // The API server would refuse our Deployment over an adopted one, whose immutable selector differs.
  return applyRun(ports, input, root.uid, { withAnalysis: !world.adopted(analysis) })
}
