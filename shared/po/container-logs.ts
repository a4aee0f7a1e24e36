/** Reading logs of containers: a few at a time in one process, whoever asks, since each may be large. */
import { permits } from '../platform/concurrency.ts'
import type { PoCluster } from './ports/cluster.ts'
import type { LogTail } from './ports/logs.ts'
import type { PoPorts } from './ports.ts'

const AT_ONCE = 2

/** A process has one connection to the cluster, whatever it is used for. */
const permitsOf = new WeakMap<PoCluster, () => Promise<() => void>>()

function acquire(cluster: PoCluster): Promise<() => void> {
  const known = permitsOf.get(cluster)
  if (known) return known()
  const made = permits(AT_ONCE)
  permitsOf.set(cluster, made)
  return made()
}

/** The end of a container's log. It is in memory until `done` is called, and others wait for that. */
interface HeldLog {
  readonly log: LogTail | undefined
  readonly done: () => void
}

export async function readLog(
  { cluster, settings }: Pick<PoPorts, 'cluster' | 'settings'>,
  pod: string,
  container: string,
): Promise<HeldLog> {
  const done = await acquire(cluster)
  try {
    return { log: await cluster.log(pod, container, settings.logs.containerBytes), done }
  } catch (error) {
    done()
    throw error
  }
}
