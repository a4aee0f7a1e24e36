/** `GET /service/{id}/logs`: what the containers of a service wrote last, of those that run and of those that have ended. */

import { mapConcurrent } from '../platform/concurrency.ts'
import { isFault } from '../platform/fault.ts'
import { isOver, LOG_TAIL_BYTES, type ServiceId } from './model.ts'
import { CONTAINER } from './names.ts'
import type { DtPorts } from './ports.ts'
import { shown } from './status.ts'

type LogsPorts = Pick<DtPorts, 'store' | 'cluster'>

const READS = 16
const LIVE_LOG_BYTES = 1024 * 1024
/** Of all pods that run now; with many of them each has its part. */
const LIVE_LOGS_BYTES = 8 * 1024 * 1024
/** Pods that are read: more would leave each with next to nothing. */
const LIVE_PODS = 200

/** Of a pod that is going the log may be gone, or out of reach: the others are told all the same. */
async function liveLog({ cluster }: LogsPorts, pod: string, bytes: number): Promise<string> {
  try {
    return (await cluster.log(pod, CONTAINER.main, bytes)) ?? ''
  } catch (error) {
    if (isFault(error, 'unavailable', 'refused')) return ''
    throw error
  }
}

/**
 * By the name of the pod, which is the `RUN_ID`. Of a run that has ended the last {@link LOG_TAIL_BYTES}; of one that runs the
 * last MiB, or less where many do, since one answer holds all.
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
  const read = await mapConcurrent(live, READS, async (pod) => [pod, await liveLog(ports, pod, bytes)] as const)
  const texts = read.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
  return Object.fromEntries([...ended, ...texts])
}
