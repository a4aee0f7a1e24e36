/**
 * `POST /po/`: records the intent, then creates token and objects, then marks the analysis `started`. A step that fails undoes
 * everything; a crash leaves a row that the sweep completes or undoes.
 */
import { Fault } from '../platform/fault.ts'
import { applyRoot, applyRun, ensureStandingPolicy, type Peers, requirePeers, runInput } from './apply-run.ts'
import { neighbourOf, requireIsolation } from './isolation.ts'
import { statusWord } from './lifecycle.ts'
import { type Analysis, type AnalysisSecrets, isLive, NO_KONG_TOKEN, type StatusWord } from './model.ts'
import { rootName } from './names.ts'
import type { AnalysisPatch, BeginResult, NewAnalysis } from './ports/analyses.ts'
import type { PoPorts } from './ports.ts'
import { sealAndArchive } from './record.ts'
import { loginFor, registryHost } from './registry.ts'
import { REMOVAL_LEASE_MS, type ReleasePorts, release, releaseByKey } from './release.ts'

type CreatePorts = ReleasePorts & Pick<PoPorts, 'sleep'>

/** A validated create request. Registry fields may be empty. */
export interface CreateRequest extends Omit<NewAnalysis, 'registryHost' | 'needsKong' | 'leaseMs'> {
  readonly registryUrl: string
  readonly registryUser: string
  readonly registryPassword: string
  readonly kongToken: string
}

/** Until then the sweep neither completes nor undoes a creation. */
export const CREATION_LEASE_MS = 60_000
/** No write begins later than this, so the last one ends within the lease. */
const CREATION_BUDGET_MS = 40_000
/** How long a create waits for the removal of an earlier incarnation. */
const RELEASE_BUDGET_MS = 10_000

interface Plan {
  readonly begin: NewAnalysis
  readonly secrets: AnalysisSecrets
}

function plan(request: CreateRequest, { registry }: PoPorts['settings']): Plan {
  const { registryUrl, registryUser: user, registryPassword: password, kongToken, ...spec } = request
  const url = registryUrl || registry.url
  if (!url) throw new Fault('invalid', 'registry_url is empty and HARBOR_URL is not set')
  const host = registryHost(url)
  const needsKong = kongToken !== NO_KONG_TOKEN
  return {
    begin: { ...spec, registryHost: host, needsKong, leaseMs: CREATION_LEASE_MS },
    secrets: { login: loginFor(host, { user, password }, registry), kongToken },
  }
}

/**
 * Checks what a run needs in its namespace, before anything is recorded.
 * @throws Fault `unavailable` while isolation is not enforced, or if something is missing
 */
async function checkNamespace(ports: CreatePorts, needsKong: boolean): Promise<Peers> {
  await requireIsolation(ports)
  const [peers] = await Promise.all([requirePeers(ports, needsKong), ensureStandingPolicy(ports)])
  return peers
}

type Begun = { readonly kind: 'begun' | 'running'; readonly analysis: Analysis }

type Blocked = Exclude<BeginResult, { readonly kind: 'begun' | 'running' | 'differs' }>

/** Archives or releases the earlier incarnation, or waits for the process that does. */
async function unblock(ports: CreatePorts, blocked: Blocked): Promise<void> {
  if (blocked.kind === 'ended') return sealAndArchive(ports, blocked.analysis.key)
  if (blocked.kind === 'unreleased') await releaseByKey(ports, blocked.removal.key)
  await ports.sleep(50)
}

/** Records the intent as soon as an earlier incarnation of the id is released and archived. */
async function begin(ports: CreatePorts, input: NewAnalysis): Promise<Begun> {
  const { store, now } = ports
  const deadline = now().getTime() + RELEASE_BUDGET_MS
  while (now().getTime() < deadline) {
    const result = await store.begin(input)
    if (result.kind === 'begun' || result.kind === 'running') return result
    if (result.kind === 'differs')
      throw new Fault(
        'conflict',
        `Analysis ${input.spelling} is running already with another ${result.fields.join(', ')}.`,
      )
    await unblock(ports, result)
  }
  throw new Fault('unavailable', 'The former run of this analysis is still being removed.', { retryAfter: 5 })
}

function budget({ now }: Pick<PoPorts, 'now'>): () => void {
  const end = now().getTime() + CREATION_BUDGET_MS
  return () => {
    if (now().getTime() > end) throw new Fault('unavailable', 'Kubernetes took too long.', { retryAfter: 10 })
  }
}

async function createObjects(
  ports: CreatePorts,
  analysis: Analysis,
  secrets: AnalysisSecrets,
  peers: Peers,
): Promise<AnalysisPatch> {
  const checkDeadline = budget(ports)
  const token = await ports.identity.issueToken(analysis.id)
  checkDeadline()
  const input = runInput(analysis, peers, ports, 'ConfigMap', await neighbourOf(ports, analysis.id))
  const rootUid = await applyRoot(ports, input, { ...secrets, token: token.value, registryHost: analysis.registryHost })
  checkDeadline()
  return { policies: await applyRun(ports, input, rootUid, { checkDeadline }) }
}

/** For an analysis that was ended during its creation: its removal may have run before the root existed. */
async function removeOwnRoot({ cluster, store }: CreatePorts, { key, id, firstRun }: Analysis): Promise<void> {
  await cluster.remove('ConfigMap', rootName(id, firstRun))
  await store.markRootRemoved(key)
}

/** Undoes a failed creation. What cannot be undone now is recorded, and the sweep removes it. */
async function undo(ports: CreatePorts, analysis: Analysis): Promise<void> {
  const { store, log, now } = ports
  try {
    if (!(await store.abandon(analysis.key))) await removeOwnRoot(ports, analysis)
    const removal = await store.claimRemoval(analysis.key, now(), REMOVAL_LEASE_MS)
    if (removal) await release(ports, removal)
  } catch (error) {
    log('warn', 'creation not undone yet', { analysis: analysis.id, run: analysis.run, error })
  }
}

/** Answers a create whose analysis was ended meanwhile. The removal stays open until the lease of the creation ends. */
async function yieldToEnd(ports: CreatePorts, analysis: Analysis): Promise<StatusWord> {
  await removeOwnRoot(ports, analysis)
  const present = await ports.store.findByKey(analysis.key)
  return present ? statusWord(present.state) : 'stopped'
}

/**
 * Creates an analysis and starts it. Repeating the create while it runs changes nothing and answers its status.
 * @throws Fault `conflict` when it runs with another image, project or registry host; `unavailable` when Kubernetes,
 * Keycloak, the database or a peer does not answer: then nothing is left behind
 */
export async function create(ports: CreatePorts, request: CreateRequest): Promise<Record<string, StatusWord>> {
  const { store, log, settings } = ports
  const { spelling } = request
  const { begin: input, secrets } = plan(request, settings)
  const known = await store.find(input.id)
  const peers = known && isLive(known.state) ? undefined : await checkNamespace(ports, input.needsKong)
  const { kind, analysis } = await begin(ports, input)
  if (kind === 'running') return { [spelling]: statusWord(analysis.state) }
  let applied: AnalysisPatch
  try {
    applied = await createObjects(ports, analysis, secrets, peers ?? (await checkNamespace(ports, input.needsKong)))
  } catch (error) {
    await undo(ports, analysis)
    throw error
  }
  const started = await store.transition(analysis.key, ['starting'], 'started', {
    ...applied,
    claimedUntil: null,
    reports: [{ kind: 'status', status: 'started', progress: analysis.progress }],
  })
  if (!started) return { [spelling]: await yieldToEnd(ports, analysis) }
  log('action', 'analysis started', { analysis: analysis.id, run: analysis.run, image: analysis.image })
  return { [spelling]: 'started' }
}
