/** Carries out the decision about one analysis. Every step can be repeated, so a later call continues one that was interrupted. */
import { Fault } from '../../platform/fault.ts'
import { applyRoot, applyRun, type Peers, runInput } from '../apply-run.ts'
import { recordEnd } from '../ending.ts'
import { type Analysis, type AnalysisSecrets, isLive, type LogSnapshot, UNFINISHED } from '../model.ts'
import { rootName } from '../names.ts'
import { labelValue, type RunInput, root } from '../objects/index.ts'
import type { AdoptPorts, FormerIncarnation, FormerRow } from '../ports/adopt.ts'
import { sealAndArchive } from '../record.ts'
import { loginFor, recordedHost } from '../registry.ts'
import { releaseByKey } from '../release.ts'
import { ownLine } from '../report.ts'
import { claimRun } from './claim.ts'
import { runningState, type TakeoverDecision } from './decide.ts'
import { type FormerRun, formerPolicy, formerProxy, latestOf } from './former.ts'
import { removeDetached, replaceProxy } from './replace-proxy.ts'
import type { Case } from './survey.ts'

/** Container name of a former log. No container of a pod can have it. */
const LOG_NAME = 'log of the Python service'

async function logsOf({ predecessor, settings }: AdoptPorts, runs: Case['runs']): Promise<LogSnapshot[]> {
  const logs: LogSnapshot[] = []
  for (const { run, row } of runs) {
    const log = await predecessor.log(row, settings.logs.containerBytes)
    if (log) logs.push({ run, kind: 'analysis', container: LOG_NAME, ...log })
  }
  return logs
}

async function incarnationOf(
  ports: AdoptPorts,
  one: Case,
  fate: FormerIncarnation['fate'],
): Promise<FormerIncarnation> {
  const { row } = latestOf(one)
  const now = ports.now()
  return {
    id: one.id,
    spelling: row.analysisId,
    projectId: row.projectId,
    image: row.image,
    registryHost: recordedHost(row.registryUrl || ports.settings.registry.url),
    needsKong: row.kong !== 'unneeded',
    runs: one.runs.map(({ run, row }) => ({ run, startedAt: row.createdAt ?? now })),
    progress: row.progress,
    logs: await logsOf(ports, one.runs),
    logBytes: ports.settings.logs.containersBytes,
    fate,
  }
}

/** Records the incarnation, unless an interrupted call did. Archives an ended one that is current. */
async function record(ports: AdoptPorts, one: Case, fate: FormerIncarnation['fate']): Promise<Analysis> {
  const { intake } = ports
  if (one.current && one.facts.ours === 'unfinished') return one.current
  if (one.current) await sealAndArchive(ports, one.current.key)
  const row = await intake.take(await incarnationOf(ports, one, fate))
  if (row) return row
  throw new Fault('conflict', 'The id was created or taken over by somebody else meanwhile.')
}

async function secretsOf(
  { predecessor, settings }: AdoptPorts,
  row: FormerRow,
  { registryHost }: Analysis,
): Promise<AnalysisSecrets> {
  const secrets = await predecessor.secrets(row)
  if (!secrets) throw new Fault('conflict', 'Its row is gone.')
  const { registryUser: user, registryPassword: password, kongToken } = secrets
  return { login: loginFor(registryHost, { user, password }, settings.registry), kongToken }
}

async function removeFormerRuns(ports: AdoptPorts, one: Case, input: RunInput, rootUid: string): Promise<void> {
  for (const former of one.runs) {
    if (former.run === latestOf(one).run) continue
    if (one.present.includes(former.run)) await claimWhole(ports, input, rootUid, former)
    await ports.cluster.remove('NetworkPolicy', formerPolicy(former.row.deployment))
  }
}

/** Makes the analysis due for the loop. If it was ended meanwhile, its removal may have run before the root existed. */
async function handOver(ports: AdoptPorts, { key, id, state, run, firstRun }: Analysis): Promise<void> {
  const { store, cluster, log } = ports
  if (await store.transition(key, [state], state, { dueAt: ports.now() }, run)) {
    return log('action', 'analysis adopted', { analysis: id, run, state })
  }
  await cluster.remove('ConfigMap', rootName(id, firstRun))
  log('action', 'analysis ended meanwhile', { analysis: id, run })
}

export async function adoptRunning(
  ports: AdoptPorts,
  one: Case,
  state: 'started' | 'executing',
  peers: Peers,
): Promise<void> {
  const latest = latestOf(one)
  const analysis = await record(ports, one, { state, dueAt: UNFINISHED })
  const secrets = await secretsOf(ports, latest.row, analysis)
  const token = await ports.identity.issueToken(one.id)
  const input = runInput(analysis, peers, ports)
  const rootUid = await applyRoot(ports, input, { ...secrets, token: token.value, registryHost: analysis.registryHost })
  const owner = await claimRun(ports, input, rootUid, latest, { withProxy: false })
  await removeFormerRuns(ports, one, input, rootUid)
  await replaceProxy(ports, input, owner.uid)
  await applyRun(ports, input, rootUid, { withAnalysis: false })
  await handOver(ports, analysis)
}

/** Makes a root the owner of the remaining objects. It needs no credentials, because no pod of it starts again. */
async function claimRemaining(ports: AdoptPorts, one: Case, analysis: Analysis): Promise<void> {
  if (one.present.length === 0) return
  // The project id may be any text; here it is only the value of a label.
  const input = runInput({ ...analysis, projectId: labelValue(analysis.projectId) }, {}, ports)
  const { uid } = await ports.cluster.apply(root(input))
  for (const former of one.runs) {
    if (one.present.includes(former.run)) await claimWhole(ports, input, uid, former)
  }
}

/** Claims a run with its proxy, and removes what an interrupted replacement left of the proxy. */
async function claimWhole(ports: AdoptPorts, input: RunInput, rootUid: string, former: FormerRun): Promise<void> {
  await claimRun(ports, input, rootUid, former, { withProxy: true })
  await removeDetached(ports, formerProxy(former.row.deployment))
}

/** The loop continues the removal if it does not complete now. */
async function removeNow(ports: AdoptPorts, analysis: Analysis): Promise<void> {
  try {
    await releaseByKey(ports, analysis.key)
  } catch (error) {
    ports.log('warn', 'removal left to the loop', { analysis: analysis.id, error })
  }
}

type Finish = Extract<TakeoverDecision, { kind: 'finish' }>
type End = Exclude<Finish, { how: 'clear' }>

async function endNow(ports: AdoptPorts, one: Case, { outcome, cause }: End): Promise<void> {
  const analysis = await record(ports, one, { state: runningState(one.facts.status), dueAt: UNFINISHED })
  await claimRemaining(ports, one, analysis)
  const failed = outcome === 'failed'
  const line = ownLine(failed ? 'error' : 'info', failed ? 'ANALYSISFAILED' : 'ANALYSISSTOPPED', cause, analysis)
  await recordEnd(ports, analysis, { outcome, cause, archive: outcome === 'executed', line })
  await removeNow(ports, analysis)
}

/** Records an earlier end. Nothing is removed for an archived row, because its id may have a current run. */
async function recordPast(ports: AdoptPorts, one: Case, { outcome, cause }: End): Promise<void> {
  const isArchived = one.facts.table === 'archive'
  const analysis = await record(ports, one, { state: outcome, cause, removal: !isArchived })
  if (isArchived) return sealAndArchive(ports, analysis.key)
  await clear(ports, one, analysis)
}

async function clear(ports: AdoptPorts, one: Case, analysis: Analysis): Promise<void> {
  const { key, state } = analysis
  if (one.present.length > 0) {
    await claimRemaining(ports, one, analysis)
    await ports.store.transition(key, [state], state, { removal: { archive: state === 'executed' } })
  }
  await removeNow(ports, analysis)
}

/** Ends an analysis, or records its earlier end, and removes its remaining objects. */
export async function finish(ports: AdoptPorts, one: Case, decision: Finish): Promise<void> {
  if (decision.how === 'end') return endNow(ports, one, decision)
  if (decision.how === 'record') return recordPast(ports, one, decision)
  if (one.current && !isLive(one.current.state)) await clear(ports, one, one.current)
}
