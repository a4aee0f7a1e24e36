/** How the processes of the image use memory: flags of Node, and what the C library of some is told. */
import { type Route, routes } from '../../shared/routes/index.ts'

/**
 * How Node is to run a function. V8 lets the space of young objects grow to 3 × 16 MiB before it cleans up harder; our
 * requests are small and many functions share a node: `create` holds 117 instead of 134 MiB after 100 requests.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=4']

/**
 * The status loop holds a thousand analyses at once for a moment, a thousand times as many objects as another request. Half
 * the young space, and giving back what is larger than 16 KiB as soon as it is free, keep it near 145 instead of 170 MiB: Node
 * reads sockets into 64 KiB pieces that live as short, and glibc by default keeps their places, in an arena per thread.
 * Telling it costs a start 10 ms, so that the others go without.
 */
const FRUGAL = {
  NODE_OPTIONS: '--max-semi-space-size=2',
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '16384',
  MALLOC_TRIM_THRESHOLD_: '131072',
}

/** They carry logs of analyses, or lines of any length. */
const CARRY_LOGS: readonly Route[] = [routes.po.streamLogs, routes.po.logs, routes.po.history, routes.po.stop]

/** The status loop, and functions that carry files or logs, whose pieces live as short. */
export const isFrugal = (route: Route): boolean =>
  route.trigger === 'event' || route.settings.includes('files') || CARRY_LOGS.includes(route)

/** What the manifest of a function sets beside its settings; it wins over the image's own. */
export const memoryEnvironment = (route: Route): Readonly<Record<string, string>> => (isFrugal(route) ? FRUGAL : {})

/** NODE_OPTIONS as a function has it in a pod. */
export const nodeOptions = (route: Route): string => memoryEnvironment(route)['NODE_OPTIONS'] ?? NODE_FLAGS.join(' ')
