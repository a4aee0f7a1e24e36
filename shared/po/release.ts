/**
 * Takes away what an incarnation owns outside the database: logs first, then the root (pods end first, policies after
 * them), then subscriptions and Keycloak client, unless a newer incarnation needs them.
 *
 * Every step may be repeated; the removal's row stays until all of it was seen to be gone. No step waits for one that fails
 * but the logs, which go with their pods. Each attempt is counted when it is claimed: after two that ended their process the
 * logs are given up, after four the archive entry is made without lines and logs.
 */

import { allSettledOrThrow } from '../platform/concurrency.ts'
import { isFault } from '../platform/fault.ts'
import { readLog } from './container-logs.ts'
import type { AnalysisKey, LogSnapshot, Removal } from './model.ts'
import { COMPONENT, credentialsName, LABEL, parseObjectName, rootName } from './names.ts'
import type { ClientHold } from './ports/removals.ts'
import type { Ports } from './ports.ts'

export type ReleasePorts = Pick<
  Ports,
  'store' | 'cluster' | 'identity' | 'broker' | 'sign' | 'log' | 'now' | 'settings'
>

/** How long one worker may take for a removal before another one may. */
export const REMOVAL_LEASE_MS = 60_000
/** Longer than a deletion that was given up may take to arrive. */
const CLIENT_LEASE_MS = 30_000
/** Others are done with the client soon, unless they died. */
const BUSY_RETRY_MS = 5000
/** Reading logs is given up after so many failed attempts: an unreachable kubelet must not keep an analysis alive. */
const LOG_ATTEMPTS = 3
/** The same after so many attempts that never ended, because their process died. */
const LOG_DEATHS = 2
/** After so many, lines and logs are not archived either. */
const ARCHIVE_DEATHS = 4
const UNSUBSCRIBE_ATTEMPTS = 10
/** Seconds until a removal is looked at again, by attempts; the last one serves all later ones. */
const RETRY_SECONDS = [1, 2, 5, 10, 30, 60] as const

const kindOfLog = (container: string): LogSnapshot['kind'] | undefined =>
  container.startsWith('nginx-') ? 'nginx' : container.startsWith('analysis-') ? 'analysis' : undefined

/** A function of its own: nothing of a log stays in memory while its analysis waits for its turn with the next. */
async function takeLog(
  ports: Pick<Ports, 'store' | 'cluster' | 'settings'>,
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

/** Reads the last bytes of every container's log of these runs and keeps them, one in memory at a time. */
export async function takeLogs(
  ports: Pick<Ports, 'store' | 'cluster' | 'settings'>,
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

/** Takes the logs unless that was done; without them only after several attempts. */
async function secureLogs(ports: ReleasePorts, removal: Removal): Promise<void> {
  const { id, key, logsTaken, attempts, unfinished } = removal
  if (logsTaken) return
  if (unfinished > LOG_DEATHS) ports.log('error', 'logs given up', { analysis: id, unfinished })
  else {
    try {
      await takeLogs(ports, removal)
    } catch (error) {
      if (attempts + 1 < LOG_ATTEMPTS || !isFault(error, 'unavailable', 'refused')) throw error
      ports.log('warn', 'logs given up', { analysis: id, attempts: attempts + 1, error })
    }
  }
  await ports.store.markLogsTaken(key)
}

/** Deletes the subscriptions; a broker that refuses or keeps failing does not keep the client alive for ever. */
async function unsubscribe({ broker, identity, log }: ReleasePorts, { id, attempts }: Removal): Promise<void> {
  try {
    await broker.unsubscribe(id, () => identity.tokenOf(id))
  } catch (error) {
    if (!isFault(error, 'refused') && attempts + 1 < UNSUBSCRIBE_ATTEMPTS) throw error
    log('warn', 'subscriptions given up', { analysis: id, attempts: attempts + 1, error })
  }
}

/** Removes what an id that is held has at broker and Keycloak. */
async function removeHeld(ports: ReleasePorts, removal: Removal): Promise<void> {
  const { store, identity } = ports
  let deleting = false
  try {
    await unsubscribe(ports, removal)
    deleting = true
    await identity.removeClient(removal.id)
  } catch (error) {
    // A deletion whose answer did not come may arrive yet: the id stays held until it can arrive no more.
    const mayArrive = deleting && isFault(error) && error.mayArrive
    if (!mayArrive) await store.releaseClient(removal.key, false)
    throw error
  }
}

/**
 * Removes subscriptions and client of the id, unless a live incarnation needs them or somebody else is at it. A creation
 * that was given up may make the client yet, so that it is remembered only when that can be no more.
 */
async function removeClient(ports: ReleasePorts, removal: Removal): Promise<ClientHold> {
  const { store, now } = ports
  if (removal.clientRemoved) return 'held'
  const hold = await store.holdClient(removal.key, removal.id, now(), CLIENT_LEASE_MS)
  if (hold !== 'held') return hold
  await removeHeld(ports, removal)
  await store.releaseClient(removal.key, now() >= removal.holdUntil)
  return hold
}

/** When a removal that is not complete is looked at again. */
function retryAt({ now }: Pick<Ports, 'now'>, { attempts }: Removal): Date {
  const seconds = RETRY_SECONDS[Math.min(attempts, RETRY_SECONDS.length - 1)] ?? 60
  return new Date(now().getTime() + seconds * 1000)
}

/** When a removal that went so far is looked at again. */
function againAt(ports: ReleasePorts, removal: Removal, outcome: 'gone' | 'left' | 'busy'): Date {
  if (outcome === 'gone') return removal.holdUntil
  return outcome === 'busy' ? new Date(ports.now().getTime() + BUSY_RETRY_MS) : retryAt(ports, removal)
}

/** Archives the incarnation if that is wanted; what was never archived whole, since it ended each process, is shortened. */
async function archive({ store, sign, settings, log }: ReleasePorts, removal: Removal): Promise<void> {
  const { id, key, unfinished } = removal
  if (!removal.archive) return
  if (unfinished <= ARCHIVE_DEATHS) return store.archive(key, settings.run.node, sign)
  log('error', 'archived without lines and logs', { analysis: id, unfinished })
  await store.archive(key, settings.run.node, sign, `${unfinished - 1} attempts to archive them ended their process`)
}

/** How far it went: everything is gone, something is left, or others are at the client of the id. */
async function carryOut(ports: ReleasePorts, removal: Removal): Promise<'gone' | 'left' | 'busy'> {
  const { cluster } = ports
  const root = rootName(removal.id, removal.firstRun)
  await secureLogs(ports, removal)
  await removeRoot(ports, removal, root)
  const [, hold] = await allSettledOrThrow(archive(ports, removal), removeClient(ports, removal))
  if (hold === 'busy') return 'busy'
  const gone = (await cluster.find('ConfigMap', root)) === undefined && (await podsLeft(ports, removal)) === 0
  return gone ? 'gone' : 'left'
}

/** Asks once: pods may take half a minute to end, and each attempt until then would be another write. */
async function removeRoot({ cluster, store, now }: ReleasePorts, removal: Removal, root: string): Promise<void> {
  const found = await cluster.find('ConfigMap', root)
  if (found && !found.deleting) await cluster.remove('ConfigMap', root)
  // The root that version 0.1 made. Nothing can look for it first.
  if (!found && !removal.rootRemoved) await cluster.remove('Secret', credentialsName(removal.id, removal.firstRun))
  const isSettled = found !== undefined || now() >= removal.makingUntil
  if (isSettled && !removal.rootRemoved) await store.markRootRemoved(removal.key)
}

/** Pods of the incarnation that have not ended yet. */
async function podsLeft({ cluster }: Pick<Ports, 'cluster'>, { id, firstRun, lastRun }: Removal): Promise<number> {
  const pods = await cluster.pods({ [LABEL.analysis]: id, component: COMPONENT.analysis })
  return pods.filter((pod) => {
    const run = Number(pod.labels[LABEL.run])
    return run >= firstRun && run <= lastRun
  }).length
}

/**
 * Carries a claimed removal as far as it goes now. True when everything is gone; otherwise it is due again later.
 * @throws Fault of the step that failed; the removal stays and is due again
 */
export async function release(ports: ReleasePorts, removal: Removal): Promise<boolean> {
  const { store, log, now } = ports
  try {
    const outcome = await carryOut(ports, removal)
    if (outcome === 'gone') await store.transition(removal.key, ['stopping'], 'stopped')
    // What was given up may yet bring something back: it is looked at once more when that can be no longer.
    const complete = outcome === 'gone' && now() >= removal.holdUntil
    if (complete) {
      await store.completeRemoval(removal.key)
      log('action', 'analysis removed', { analysis: removal.id, runs: `${removal.firstRun}-${removal.lastRun}` })
    } else await store.postponeRemoval(removal, againAt(ports, removal, outcome))
    return complete
  } catch (error) {
    await store.postponeRemoval(removal, retryAt(ports, removal))
    throw error
  }
}

/** Claims and carries out the removal of one incarnation; nothing when somebody else does. */
export async function releaseByKey(ports: ReleasePorts, key: AnalysisKey): Promise<void> {
  const removal = await ports.store.claimRemoval(key, ports.now(), REMOVAL_LEASE_MS)
  if (removal) await release(ports, removal)
}
