/** Memory settings of the image's processes: flags of Node and, for some, of the C library. */
import { type Route, routes } from '../../shared/routes/index.ts'

/**
 * Node's flags for a function. By default V8's young generation grows to 3 × 16 MiB. Requests here are small and many
 * functions share a node: with 4 MiB, `create` uses 117 instead of 134 MiB after 100 requests.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=4']

/**
 * For functions with many short-lived allocations, such as a sweep over a thousand analyses. A smaller young generation, and
 * returning free blocks above 16 KiB to the system, reduce its memory from 170 to about 145 MiB: glibc by default keeps Node's
 * 64 KiB socket chunks in an arena per thread. These settings of glibc delay a start by 10 ms, so not all functions have them.
 */
const FRUGAL = {
  NODE_OPTIONS: '--max-semi-space-size=2',
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '16384',
  MALLOC_TRIM_THRESHOLD_: '131072',
}

const LOG_ROUTES: readonly Route[] = [routes.po.streamLogs, routes.po.logs, routes.po.history, routes.po.stop]

/** The status loop, and functions that transfer files or logs in short-lived chunks. */
export const isFrugal = (route: Route): boolean =>
  route.trigger === 'event' || route.settings.includes('files') || LOG_ROUTES.includes(route)

/** Environment that a function's manifest sets besides its settings; it overrides the image's. */
export const memoryEnvironment = (route: Route): Readonly<Record<string, string>> => (isFrugal(route) ? FRUGAL : {})

export const nodeOptions = (route: Route): string => memoryEnvironment(route)['NODE_OPTIONS'] ?? NODE_FLAGS.join(' ')
