/** Reads logs of containers, two at a time, because each may be large. */
import { permits } from '../platform/concurrency.ts'
import type { PoCluster } from './ports/cluster.ts'
import type { LogTail } from './ports/logs.ts'
import type { PoPorts } from './ports.ts'

/** By cluster, of which a process has one. */
const permitsOf = new WeakMap<PoCluster, () => Promise<() => void>>()

function acquire(cluster: PoCluster): Promise<() => void> {
  const acquirePermit = permitsOf.get(cluster) ?? permits(2)
  permitsOf.set(cluster, acquirePermit)
  return acquirePermit()
}

/** The end of a container's log. It occupies one of the permits until `done` is called. */
interface OpenLog {
  readonly log: LogTail | undefined
  readonly done: () => void
}

export async function readLog(
  { cluster, settings }: Pick<PoPorts, 'cluster' | 'settings'>,
  pod: string,
  container: string,
): Promise<OpenLog> {
  const done = await acquire(cluster)
  try {
    return { log: await cluster.log(pod, container, settings.logs.containerBytes), done }
  } catch (error) {
    done()
    throw error
  }
}
