/**
 * Carries out removals: deletes what an incarnation owns outside the database.
 *
 *   save the logs → delete the root → archive ∥ delete subscriptions and Keycloak client → check that all is gone
 *
 * The record is made before the archive entry takes the place of the row, or, without one, when all is gone.
 *
 * Every step can be repeated; the row of the removal stays until everything is gone. Logs are lost with their pods, so nothing
 * is deleted before they are saved or abandoned. The root is deleted in the foreground: pods end first, policies after them.
 * Subscriptions and client stay if a newer incarnation needs them. An attempt is counted when it is claimed.
 */
import { allSettledOrThrow } from '../platform/concurrency.ts'
import { isFault } from '../platform/fault.ts'
import { readLog } from './container-logs.ts'
import type { AnalysisKey, LogSnapshot, Removal } from './model.ts'
import { COMPONENT, credentialsName, LABEL, parseObjectName, rootName } from './names.ts'
import type { ClientHold } from './ports/removals.ts'
import type { PoPorts } from './ports.ts'
import { seal } from './record.ts'

export type ReleasePorts = Pick<
  PoPorts,
  'store' | 'cluster' | 'identity' | 'broker' | 'sign' | 'makeRecord' | 'log' | 'now' | 'settings'
>

/** After this time another process may claim the removal. */
export const REMOVAL_LEASE_MS = 60_000
/** Longer than a deletion without an answer may take to arrive. */
const CLIENT_LEASE_MS = 30_000
/** Delay while another process works on the client: it is done soon, unless it died. */
const BUSY_RETRY_MS = 5000
/** Attempts to read the logs: an unreachable kubelet must not keep the pods of an analysis. */
const LOG_ATTEMPTS = 3
/** Attempts that killed their process, after which the logs are abandoned. */
const LOG_DEATHS = 2
/** The same for lines and logs in the archive entry. */
const ARCHIVE_DEATHS = 4
const UNSUBSCRIBE_ATTEMPTS = 10
/** Seconds until the next attempt, by the number of earlier ones; the last value is for all later attempts. */
const RETRY_SECONDS = [1, 2, 5, 10, 30, 60] as const

/** Claims and carries out the removal of one incarnation, unless it has none or another process has claimed it. */
export async function releaseByKey(ports: ReleasePorts, key: AnalysisKey): Promise<void> {
  const removal = await ports.store.claimRemoval(key, ports.now(), REMOVAL_LEASE_MS)
  if (removal) await release(ports, removal)
}

/**
 * Carries out a claimed removal as far as possible now. True if it is complete; otherwise it is due again later.
 * @throws Fault of the step that failed; the removal is due again later
 */
export async function release(ports: ReleasePorts, removal: Removal): Promise<boolean> {
  const { store, log, now } = ports
  try {
    const progress = await carryOut(ports, removal)
    if (progress === 'gone') {
      await store.transition(removal.key, ['stopping'], 'stopped')
      if (!removal.archive) await seal(ports, removal.key)
    }
    // Until `holdUntil`, a call without an answer may still make something: check once more after that.
    const isComplete = progress === 'gone' && now() >= removal.holdUntil
    if (isComplete) {
      await store.completeRemoval(removal.key)
      log('action', 'analysis removed', { analysis: removal.id, runs: `${removal.firstRun}-${removal.lastRun}` })
    } else await store.postponeRemoval(removal, nextAttemptAt(ports, removal, progress))
    return isComplete
  } catch (error) {
    await store.postponeRemoval(removal, nextAttemptAt(ports, removal, 'left'))
    throw error
  }
}

/** Everything is gone, something is left, or another process works on the client of the id. */
type Progress = 'gone' | 'left' | 'busy'

async function carryOut(ports: ReleasePorts, removal: Removal): Promise<Progress> {
  const { cluster } = ports
  const root = rootName(removal.id, removal.firstRun)
  await secureLogs(ports, removal)
  await removeRoot(ports, removal, root)
  if (removal.archive && removal.unfinished <= ARCHIVE_DEATHS) await seal(ports, removal.key)
  const [, hold] = await allSettledOrThrow(archive(ports, removal), removeClient(ports, removal))
  if (hold === 'busy') return 'busy'
  const isGone = (await cluster.find('ConfigMap', root)) === undefined && (await podsLeft(ports, removal)) === 0
  return isGone ? 'gone' : 'left'
}

function nextAttemptAt({ now }: ReleasePorts, { holdUntil, attempts }: Removal, progress: Progress): Date {
  if (progress === 'gone') return holdUntil
  const seconds = RETRY_SECONDS[Math.min(attempts, RETRY_SECONDS.length - 1)] ?? 60
  return new Date(now().getTime() + (progress === 'busy' ? BUSY_RETRY_MS : seconds * 1000))
}

// ----------------------------------------------------------------------------------------------------- logs

/** Saves the logs unless an earlier attempt did. Abandons them only after several attempts. */
async function secureLogs(ports: ReleasePorts, removal: Removal): Promise<void> {
  const { id, key, logsTaken, attempts, unfinished } = removal
  if (logsTaken) return
  if (unfinished > LOG_DEATHS) ports.log('error', 'logs abandoned', { analysis: id, unfinished })
  else {
    try {
      await takeLogs(ports, removal)
    } catch (error) {
      if (attempts + 1 < LOG_ATTEMPTS || !isFault(error, 'unavailable', 'refused')) throw error
      ports.log('warn', 'logs abandoned', { analysis: id, attempts: attempts + 1, error })
    }
  }
  await ports.store.markLogsTaken(key)
}

/** Saves the last bytes of every container log of these runs, with one log in memory at a time. */
export async function takeLogs(
  ports: Pick<PoPorts, 'store' | 'cluster' | 'settings'>,
  { key, id, firstRun, lastRun }: Pick<Removal, 'key' | 'id' | 'firstRun' | 'lastRun'>,
): Promise<void> {
  const pods = await ports.cluster.pods({ [LABEL.analysis]: id })
  for (const { pod, name } of pods.flatMap((pod) => pod.containers.map(({ name }) => ({ pod: pod.name, name })))) {
    const run = parseObjectName(name)?.run
    const kind = kindOfLog(name)
    if (run === undefined || !kind || run < firstRun || run > lastRun) continue
    await takeLog(ports, key, pod, { run, kind, container: name })
  }
}

/** A function of its own, so that a log can be freed while its analysis waits to read the next one. */
async function takeLog(
  ports: Pick<PoPorts, 'store' | 'cluster' | 'settings'>,
  key: AnalysisKey,
  pod: string,
  taken: Pick<LogSnapshot, 'run' | 'kind' | 'container'>,
): Promise<void> {
  const { log, done } = await readLog(ports, pod, taken.container)
  try {
    if (log) await ports.store.saveSnapshots(key, [{ ...taken, ...log }], ports.settings.logs.containersBytes)
  } finally {
    done()
  }
}

const kindOfLog = (container: string): LogSnapshot['kind'] | undefined =>
  container.startsWith('nginx-') ? 'nginx' : container.startsWith('analysis-') ? 'analysis' : undefined

// ----------------------------------------------------------------------------------------------------- root

/** Deletes the root once. Its pods may take half a minute to end; until then a further deletion would be a useless write. */
async function removeRoot({ cluster, store, now }: ReleasePorts, removal: Removal, root: string): Promise<void> {
  const found = await cluster.find('ConfigMap', root)
  if (found && !found.deleting) await cluster.remove('ConfigMap', root)
  // The root that version 0.1 created. The loop may not read Secrets, so it deletes it without a check.
  if (!found && !removal.rootRemoved) await cluster.remove('Secret', credentialsName(removal.id, removal.firstRun))
  const isSettled = found !== undefined || now() >= removal.makingUntil
  if (isSettled && !removal.rootRemoved) await store.markRootRemoved(removal.key)
}

async function podsLeft({ cluster }: Pick<PoPorts, 'cluster'>, { id, firstRun, lastRun }: Removal): Promise<number> {
  const pods = await cluster.pods({ [LABEL.analysis]: id, component: COMPONENT.analysis })
  return pods.filter((pod) => {
    const run = Number(pod.labels[LABEL.run])
    return run >= firstRun && run <= lastRun
  }).length
}

// ------------------------------------------------------------------------------------------ archive, client

/** Archives the incarnation if the removal says so, without lines and logs if they killed the process several times. */
async function archive({ store, sign, settings, log }: ReleasePorts, removal: Removal): Promise<void> {
  const { id, key, unfinished } = removal
  if (!removal.archive) return
  if (unfinished <= ARCHIVE_DEATHS) return store.archive(key, settings.run.node, sign)
  log('error', 'archived without lines and logs', { analysis: id, unfinished })
  await store.archive(key, settings.run.node, sign, `${unfinished - 1} attempts to archive them ended their process`)
}

/**
 * Removes subscriptions and client of the id, unless a live incarnation needs them or another process works on them. Until
 * `holdUntil`, a creation without an answer may still make the client, so the row says that it is removed only after that.
 */
async function removeClient(ports: ReleasePorts, removal: Removal): Promise<ClientHold> {
  const { store, now } = ports
  if (removal.clientRemoved) return 'held'
  const hold = await store.claimClient(removal.key, removal.id, now(), CLIENT_LEASE_MS)
  if (hold !== 'held') return hold
  await removeClaimedClient(ports, removal)
  await store.releaseClientClaim(removal.key, now() >= removal.holdUntil ? 'removed' : 'left')
  return hold
}

/** Removes subscriptions and client under the claim. */
async function removeClaimedClient(ports: ReleasePorts, removal: Removal): Promise<void> {
  const { store, identity } = ports
  let deleting = false
  try {
    await unsubscribe(ports, removal)
    deleting = true
    await identity.removeClient(removal.id)
  } catch (error) {
    // A deletion without an answer may still arrive: keep the claim until its lease ends.
    const mayArrive = deleting && isFault(error) && error.mayArrive
    if (!mayArrive) await store.releaseClientClaim(removal.key, 'left')
    throw error
  }
}

/** Deletes the subscriptions. Abandons them when the broker refuses or keeps failing, so that the client can be removed. */
async function unsubscribe({ broker, identity, log }: ReleasePorts, { id, attempts }: Removal): Promise<void> {
  try {
    await broker.unsubscribe(id, () => identity.tokenOf(id))
  } catch (error) {
    if (!isFault(error, 'refused') && attempts + 1 < UNSUBSCRIBE_ATTEMPTS) throw error
    log('warn', 'subscriptions abandoned', { analysis: id, attempts: attempts + 1, error })
  }
}
