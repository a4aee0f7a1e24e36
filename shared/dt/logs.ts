/** `GET /service/{id}/logs`: the last log lines of a service's running and ended containers. */

import { allSettledOrThrow, withLimit } from '../platform/concurrency.ts'
import { isFault } from '../platform/fault.ts'
import { isOver, LOG_TAIL_BYTES, type ServiceId } from './model.ts'
import { CONTAINER } from './names.ts'
import type { DtPorts } from './ports.ts'
import { shown } from './status.ts'

type LogsPorts = Pick<DtPorts, 'store' | 'cluster'>

const READS = 16
const LIVE_LOG_BYTES = 1024 * 1024
/** Shared by all running pods. */
const LIVE_LOGS_BYTES = 8 * 1024 * 1024
/** More pods would leave too few bytes for each. */
const LIVE_PODS = 200

/** The log of a terminating pod may be unavailable, which must not hide the other logs. */
async function liveLog({ cluster }: LogsPorts, pod: string, bytes: number): Promise<string> {
  try {
    return (await cluster.log(pod, CONTAINER.main, bytes)) ?? ''
  } catch (error) {
    if (isFault(error, 'unavailable', 'refused')) return ''
    throw error
  }
}

/**
 * Logs by name of the pod, which is the `RUN_ID`: the last {@link LOG_TAIL_BYTES} of an ended run, and the last MiB of a running
 * one, or less if many run, since one answer contains all.
 */
export async function logs(ports: LogsPorts, id: ServiceId): Promise<Record<string, string>> {
  const { phase, spec } = await shown(ports, id)
  const runs = await ports.store.runs(id)
  const ended = runs.filter((run) => isOver(run.phase)).map((run) => [run.pod, run.logTail ?? ''] as const)
  const all =
    spec.jobType === 'persistent'
      ? phase === 'serving'
        ? (await ports.cluster.pods([id])).map(({ name }) => name)
        : []
      : runs.filter((run) => run.phase === 'running' || run.phase === 'finishing').map(({ pod }) => pod)
  const live = all.slice(-LIVE_PODS)
  const bytes = Math.min(LIVE_LOG_BYTES, Math.floor(LIVE_LOGS_BYTES / Math.max(1, live.length)))
  const limited = withLimit(READS)
  const read = live.map((pod) => limited(async () => [pod, await liveLog(ports, pod, bytes)] as const))
  return Object.fromEntries([...ended, ...(await allSettledOrThrow(...read))])
}
