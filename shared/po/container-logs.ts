/** Reads logs of containers, two at a time in the whole process, because each may be large. */
import { permits } from '../platform/concurrency.ts'
import type { LogTail } from './ports/logs.ts'
import type { PoPorts } from './ports.ts'

const acquire = permits(2)

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
  const done = await acquire()
  try {
    return { log: await cluster.log(pod, container, settings.logs.containerBytes), done }
  } catch (error) {
    done()
    throw error
  }
}
