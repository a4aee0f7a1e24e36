/**
 * Carries out a verdict. Every act begins with a compare-and-set on the row, so that a stop that came in between wins,
 * and can be repeated when it was cut off.
 */
import { applyRun, ensureStandingPolicy, requirePeers, runInput } from '../apply-run.ts'
import { carryOutEnd, recordEnd } from '../ending.ts'
import { type Action, restartDelaySeconds } from '../lifecycle.ts'
import type { Analysis, Outcome, Report, State } from '../model.ts'
import { credentialsName, policyName, runName } from '../names.ts'
import { CREDENTIAL_KEYS } from '../objects/index.ts'
import type { SecretMeta } from '../ports/cluster.ts'
import type { Ports } from '../ports.ts'
import { type ReleasePorts, takeLogs } from '../release.ts'
import { ownLine } from '../report.ts'
import { hasCredentials, type Root, rootAt, rootIn, type World } from './world.ts'

export type ActPorts = ReleasePorts & Pick<Ports, 'sidecar' | 'random'>

const RUN_LEASE_MS = 60_000
/** Causes, in words. */
export const ROOT_LOST = 'its root object was deleted'
const CREDENTIALS_LOST = 'its credentials were lost'
const WATCHED: readonly State[] = ['starting', 'started', 'executing']

/**
 * Applies everything below the root of the current run: what is there stays as it is, what is missing comes back. The
 * Deployment of an analysis that was taken over is not of our shape, and applying ours to it is refused: it is left alone.
 */
export async function applyBelowRoot(ports: ActPorts, world: World, analysis: Analysis): Promise<void> {
  const root = rootIn(world, analysis)
  if (root) await applyBelow(ports, world, analysis, root)
}

async function applyBelow(ports: ActPorts, world: World, analysis: Analysis, root: Root): Promise<void> {
  const [peers] = await Promise.all([requirePeers(ports, analysis.needsKong), ensureStandingPolicy(ports)])
  const input = runInput(analysis, peers, ports, root.kind)
  await applyRun(ports, input, root.uid, { withAnalysis: !world.adopted(analysis) })
}

async function markExecuting(ports: ActPorts, { key, run, progress }: Analysis): Promise<void> {
  const reports: Report[] = [{ kind: 'status', status: 'executing', progress }]
  await ports.store.transition(key, ['starting', 'started'], 'executing', { cause: null, reports }, run)
}

/** Completes a creation or a restart that was cut off; one whose secrets never arrived is taken back. */
async function resume(ports: ActPorts, world: World, analysis: Analysis): Promise<void> {
  const { store, log } = ports
  const root = rootIn(world, analysis)
  if (root && hasCredentials(world, analysis)) return complete(ports, world, analysis, root)
  if (analysis.restarts > 0) return completeRestart(ports, world, analysis)
  if (await store.abandon(analysis.key)) log('action', 'creation taken back', { analysis: analysis.id })
  return carryOutEnd(ports, analysis)
}

/** With a fresh token for the next pod, which also shows that the credentials are there. */
async function completeRestart(ports: ActPorts, world: World, analysis: Analysis): Promise<void> {
  const { secret } = await renewToken(ports, analysis)
  const root = secret && rootAt(world, analysis, secret)
  if (root) return complete(ports, world, analysis, root)
  return finish(ports, analysis, 'failed', secret ? ROOT_LOST : CREDENTIALS_LOST)
}

async function complete(ports: ActPorts, world: World, analysis: Analysis, root: Root): Promise<void> {
  const { store, log } = ports
  await applyBelow(ports, world, analysis, root)
  const reports: Report[] = [{ kind: 'status', status: 'started', progress: analysis.progress }]
  const started = await store.transition(analysis.key, ['starting'], 'started', { reports }, analysis.run)
  if (started) log('action', 'analysis started', { analysis: analysis.id, run: analysis.run })
}

/** A Deployment that was taken over and lost its pod goes; when it is gone, the run is put back in our shape. */
async function dropAdopted(ports: ActPorts, { deleting }: { deleting: boolean }, { id, run }: Analysis): Promise<void> {
  if (deleting) return
  await ports.cluster.remove('Deployment', runName(id, run))
  ports.log('action', 'adopted Deployment removed', { analysis: id, run })
}

async function reapply(ports: ActPorts, world: World, analysis: Analysis, reason: string): Promise<void> {
  const adopted = world.adopted(analysis)
  if (adopted) return dropAdopted(ports, adopted, analysis)
  await applyBelowRoot(ports, world, analysis)
  const { key, state, run, id } = analysis
  const counted = state === 'executing' ? ({ reapplied: true } as const) : {}
  await ports.store.transition(key, [state], state, { ...counted, cause: reason }, run)
  ports.log('action', 'run put back', { analysis: id, run, reason })
}

/** Logs of a run that goes are kept if they can be read; a restart does not wait for them. */
async function keepLogs(ports: ActPorts, { key, id, run }: Analysis): Promise<void> {
  try {
    await takeLogs(ports, { key, id, firstRun: run, lastRun: run })
  } catch (error) {
    ports.log('warn', 'logs of a run not read', { analysis: id, run, error })
  }
}

/** Removes this run; `nextRun` makes the next one when its pods have ended and the back-off is over. */
async function restart(ports: ActPorts, analysis: Analysis, reason: string): Promise<void> {
  const { store, cluster, settings, now, random, log } = ports
  const { key, id, run, restarts } = analysis
  await keepLogs(ports, analysis)
  const text = `${reason}; restart ${restarts + 1} of ${settings.restartMax}`
  const line = ownLine('error', 'ANALYSISSTARTUPERROR', text, { ...analysis, progress: 0 })
  const dueAt = new Date(now().getTime() + restartDelaySeconds(restarts, random()) * 1000)
  const reports: Report[] = settings.hubLogging
    ? [{ kind: 'log', level: line.level, message: line.message, status: null }]
    : []
  const moved = await store.transition(
    key,
    WATCHED,
    'restarting',
    { cause: reason, dueAt, lines: [line], reports },
    run,
  )
  if (!moved) return
  log('action', 'analysis restarting', { analysis: id, run, reason, restart: restarts + 1 })
  await cluster.remove('NetworkPolicy', policyName(id, run))
}

/** Puts a fresh token where the next pod reads it; `secret` is undefined when that place was lost. */
export async function renewToken(
  { identity, cluster }: ActPorts,
  { id, firstRun }: Analysis,
): Promise<{ readonly token: string; readonly secret: SecretMeta | undefined }> {
  const { value } = await identity.issueToken(id)
  const secret = await cluster.patchSecret(credentialsName(id, firstRun), { [CREDENTIAL_KEYS.analysisToken]: value })
  return { token: value, secret }
}

/** Continues a restart: waits for the old pods, then begins the next run under the same root. */
export async function nextRun(ports: ActPorts, world: World, analysis: Analysis): Promise<void> {
  const { store, cluster, now } = ports
  const { key, id, run } = analysis
  if (world.uid('NetworkPolicy', policyName(id, run))) await cluster.remove('NetworkPolicy', policyName(id, run))
  if (world.analysisPods(analysis).length > 0 || analysis.dueAt > now()) return
  const { secret } = await renewToken(ports, analysis)
  const root = secret && rootAt(world, analysis, secret)
  if (!root) return finish(ports, analysis, 'failed', secret ? ROOT_LOST : CREDENTIALS_LOST)
  const patch = { nextRun: true, cause: null, claimedUntil: new Date(now().getTime() + RUN_LEASE_MS) }
  const begun = await store.transition(key, ['restarting'], 'starting', patch, run)
  if (begun) await complete(ports, world, begun, root)
}

export async function finish(ports: ActPorts, analysis: Analysis, outcome: Outcome, cause: string): Promise<void> {
  const { log } = ports
  const line = outcome === 'failed' ? ownLine('error', 'ANALYSISFAILED', cause, analysis) : undefined
  const end = { outcome, cause, archive: outcome === 'executed', ...(line ? { line } : {}) }
  if (!(await recordEnd(ports, analysis, end))) return
  log('action', 'analysis ended', { analysis: analysis.id, run: analysis.run, outcome, cause })
  await carryOutEnd(ports, analysis)
}

type Act = (ports: ActPorts, world: World, analysis: Analysis, reason: string) => Promise<void>

const NOTHING: Act = async () => {}

export const ACTS = {
  none: NOTHING,
  wait: NOTHING,
  resume,
  undo: (ports, _world, analysis, reason) => finish(ports, analysis, 'failed', reason),
  reapply,
  restart: (ports, _world, analysis, reason) => restart(ports, analysis, reason),
  markExecuting: (ports, _world, analysis) => markExecuting(ports, analysis),
  finishExecuted: (ports, _world, analysis, reason) => finish(ports, analysis, 'executed', reason),
  finishFailed: (ports, _world, analysis, reason) => finish(ports, analysis, 'failed', reason),
  finishStopped: (ports, _world, analysis, reason) => finish(ports, analysis, 'stopped', reason),
} as const satisfies Record<Action, Act>
