/** Carries out what was decided about one analysis. Each step may be repeated: a process that died is continued. */
import { Fault } from '../../platform/fault.ts'
import { applyRoot, applyRun, type Peers, runInput } from '../apply-run.ts'
import { recordEnd } from '../ending.ts'
import { type Analysis, type AnalysisSecrets, isLive, type LogSnapshot, UNFINISHED } from '../model.ts'
import { rootName } from '../names.ts'
import { labelValue, type RunInput, root } from '../objects/index.ts'
import type { AdoptPorts, FormerIncarnation, FormerRow } from '../ports/adopt.ts'
import { loginFor, recordedHost } from '../registry.ts'
import { releaseByKey } from '../release.ts'
import { ownLine } from '../report.ts'
import { claimRun, type Deployed } from './claim.ts'
import { type Decision, runningState } from './decide.ts'
import { type FormerRun, formerPolicy, formerProxy, latestOf } from './former.ts'
import { removeSetApart, replaceProxy } from './replace-proxy.ts'
import type { Case } from './survey.ts'

/** The container that the log of a row is kept under: no pod has one of this name. */
const LOG_NAME = 'log of the Python service'

async function logsOf({ predecessor, settings }: AdoptPorts, runs: Case['runs']): Promise<LogSnapshot[]> {
  const logs: LogSnapshot[] = []
  for (const { run, row } of runs) {
    const log = await predecessor.log(row, settings.logs.containerBytes)
    if (log) logs.push({ run, kind: 'analysis', container: LOG_NAME, ...log })
  }
  return logs
}

const startOf = ({ row }: FormerRun, fallback: Date): Date => row.createdAt ?? fallback

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
    runs: one.runs.map((run) => ({ run: run.run, startedAt: startOf(run, now) })),
    progress: row.progress,
    logs: await logsOf(ports, one.runs),
    logBytes: ports.settings.logs.containersBytes,
    fate,
  }
}

/** Our row of it: the one that was begun, or a new one, in the place of one that has ended. */
async function rowOf(ports: AdoptPorts, one: Case, fate: FormerIncarnation['fate']): Promise<Analysis> {
  const { store, intake, sign, settings } = ports
  if (one.current && one.facts.ours === 'unfinished') return one.current
  if (one.current) await store.archive(one.current.key, settings.run.node, sign)
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

/** What is left of runs before the last one goes now. */
async function removeFormerRuns(ports: AdoptPorts, one: Case, input: RunInput, rootUid: string): Promise<void> {
  for (const { run, row } of one.runs) {
    if (run === latestOf(one).run) continue
    if (one.present.includes(run)) await claimWhole(ports, input, rootUid, { run, deployment: row.deployment })
    await ports.cluster.remove('NetworkPolicy', formerPolicy(row.deployment))
  }
}

/** From now on it is the loop's. Whoever ended it meanwhile found no root, or not all of it below: now it goes. */
async function handOver(ports: AdoptPorts, { key, id, state, run, firstRun }: Analysis): Promise<void> {
  const { store, cluster, log } = ports
  if (await store.transition(key, [state], state, { dueAt: ports.now() }, run)) {
    return log('action', 'analysis adopted', { analysis: id, run, state })
  }
  await cluster.remove('ConfigMap', rootName(id, firstRun))
  log('action', 'analysis ended meanwhile', { analysis: id, run })
}

/** Goes on with an analysis: its pod is not touched, and its proxy is another one in the end. */
export async function adopt(ports: AdoptPorts, one: Case, state: 'started' | 'executing', peers: Peers): Promise<void> {
  const { run, row } = latestOf(one)
  const analysis = await rowOf(ports, one, { state, dueAt: UNFINISHED })
  const secrets = await secretsOf(ports, row, analysis)
  const token = await ports.identity.issueToken(one.id)
  const input = runInput(analysis, peers, ports)
  const rootUid = await applyRoot(ports, input, { ...secrets, token: token.value, registryHost: analysis.registryHost })
  const owner = await claimRun(ports, input, rootUid, { run, deployment: row.deployment }, { withProxy: false })
  await removeFormerRuns(ports, one, input, rootUid)
  await replaceProxy(ports, input, owner.uid)
  await applyRun(ports, input, rootUid, { withAnalysis: false })
  await handOver(ports, analysis)
}

/** Puts what is left of it below a root. It needs no credentials, since nothing of it is ever to start again. */
async function gather(ports: AdoptPorts, one: Case, analysis: Analysis): Promise<void> {
  if (one.present.length === 0) return
  // The id of its project may be anything: here it is but a label.
  const input = runInput({ ...analysis, projectId: labelValue(analysis.projectId) }, {}, ports)
  const { uid } = await ports.cluster.apply(root(input))
  for (const { run, row } of one.runs) {
    if (one.present.includes(run)) await claimWhole(ports, input, uid, { run, deployment: row.deployment })
  }
}

/** A run that is to go with its proxy, be it that its replacement was begun. */
async function claimWhole(ports: AdoptPorts, input: RunInput, rootUid: string, deployed: Deployed): Promise<void> {
  await claimRun(ports, input, rootUid, deployed, { withProxy: true })
  await removeSetApart(ports, formerProxy(deployed.deployment))
}

/** The loop carries the removal on where this does not end it. */
async function removeNow(ports: AdoptPorts, analysis: Analysis): Promise<void> {
  try {
    await releaseByKey(ports, analysis.key)
  } catch (error) {
    ports.log('warn', 'removal left to the loop', { analysis: analysis.id, error })
  }
}

type Finish = Extract<Decision, { kind: 'finish' }>
type End = Exclude<Finish, { how: 'clear' }>

/** It lives until now: the Hub is told. */
async function endNow(ports: AdoptPorts, one: Case, { outcome, cause }: End): Promise<void> {
  const analysis = await rowOf(ports, one, { state: runningState(one.facts.status), dueAt: UNFINISHED })
  await gather(ports, one, analysis)
  const failed = outcome === 'failed'
  const line = ownLine(failed ? 'error' : 'info', failed ? 'ANALYSISFAILED' : 'ANALYSISSTOPPED', cause, analysis)
  await recordEnd(ports, analysis, { outcome, cause, archive: outcome === 'executed', line })
  await removeNow(ports, analysis)
}

/** Its end is recorded as it was. A row of the archive is of an id that may live on: nothing of it is removed. */
async function recordPast(ports: AdoptPorts, one: Case, { outcome, cause }: End): Promise<void> {
  const isArchived = one.facts.table === 'archive'
  const analysis = await rowOf(ports, one, { state: outcome, cause, removal: !isArchived })
  if (isArchived) return ports.store.archive(analysis.key, ports.settings.run.node, ports.sign)
  await clear(ports, one, analysis)
}

/** Removes what is left of one that has ended. */
async function clear(ports: AdoptPorts, one: Case, analysis: Analysis): Promise<void> {
  const { key, state } = analysis
  if (one.present.length > 0) {
    await gather(ports, one, analysis)
    await ports.store.transition(key, [state], state, { removal: { archive: state === 'executed' } })
  }
  await removeNow(ports, analysis)
}

/** Ends it, or records that it had ended, and removes what is left of it. */
export async function finish(ports: AdoptPorts, one: Case, decision: Finish): Promise<void> {
  if (decision.how === 'end') return endNow(ports, one, decision)
  if (decision.how === 'record') return recordPast(ports, one, decision)
  if (one.current && !isLive(one.current.state)) await clear(ports, one, one.current)
}
